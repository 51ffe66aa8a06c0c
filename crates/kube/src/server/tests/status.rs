//! Refusals, with the texts of real servers.

use crate::server::status::{Asked, error};

const APPLY: Asked = Asked::Apply { secret: false };
const SECRET: Asked = Asked::Apply { secret: true };

#[test]
fn refusals_mean_what_the_server_says() {
    let refusals: &[(Asked, u16, &str)] = &[
        (
            APPLY,
            409,
            r#"{"kind":"Status","message":"Apply failed with 1 conflict: conflict with \"a\": .spec.template.spec.containers[name=\"web\"].image","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"a\"","field":".spec.template.spec.containers[name=\"web\"].image"}]},"code":409}"#,
        ),
        (
            APPLY,
            409,
            r#"{"kind":"Status","message":"Apply failed with 1 conflict: conflict with \"kubectl-patch\" using apps/v1: .spec.replicas","reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-patch\" using apps/v1","field":".spec.replicas"}]},"code":409}"#,
        ),
        (
            APPLY,
            422,
            r#"{"kind":"Status","message":"Deployment.apps \"web\" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"other\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable","reason":"Invalid","details":{"name":"web","group":"apps","kind":"Deployment","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"other\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable","field":"spec.selector"}]},"code":422}"#,
        ),
        (
            APPLY,
            409,
            r#"{"kind":"Status","message":"Operation cannot be fulfilled on deployments.apps \"webx\": uid mismatch: the provided object specified uid 6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11, and no existing object was found","reason":"Conflict","details":{"name":"webx","group":"apps","kind":"deployments"},"code":409}"#,
        ),
        (
            APPLY,
            422,
            r#"{"kind":"Status","message":"Deployment.apps \"web\" is invalid: metadata.uid: Invalid value: \"6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11\": field is immutable","reason":"Invalid","details":{"causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"6e1b6ec0-2cf7-4b2e-8a5a-1d0a1f9b6b11\": field is immutable","field":"metadata.uid"}]},"code":422}"#,
        ),
        (
            Asked::Other,
            409,
            r#"{"kind":"Status","message":"Operation cannot be fulfilled on Deployment.apps \"web\": the UID in the precondition (x) does not match the UID in record (ed93ec1d-c3cf-47c3-b86b-4206201020e7). The object might have been deleted and then recreated","reason":"Conflict","code":409}"#,
        ),
        (
            APPLY,
            500,
            r#"{"kind":"Status","message":"failed to create typed patch object: .spec.replicaz: field not declared in schema","code":500}"#,
        ),
        (
            APPLY,
            500,
            r#"{"kind":"Status","message":"failed to create typed patch object: errors:\n  .spec.replicaz: field not declared in schema\n  .spec.templat: field not declared in schema","code":500}"#,
        ),
        (
            APPLY,
            500,
            r#"{"kind":"Status","message":"failed to create typed patch object: .spec.replicas: expected numeric (int or float), got *value.valueUnstructured","code":500}"#,
        ),
        (
            APPLY,
            500,
            r#"{"kind":"Status","message":"failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema","code":500}"#,
        ),
        (
            APPLY,
            500,
            r#"{"kind":"Status","message":"Internal error occurred: failed calling webhook \"check.example.com\": connection refused","reason":"InternalError","code":500}"#,
        ),
        (
            APPLY,
            400,
            r#"{"kind":"Status","message":"the name of the object (web) does not match the name on the URL (weby)","reason":"BadRequest","code":400}"#,
        ),
        (
            APPLY,
            404,
            r#"{"kind":"Status","message":"namespaces \"nowhere\" not found","reason":"NotFound","details":{"name":"nowhere","kind":"namespaces"},"code":404}"#,
        ),
        (
            APPLY,
            404,
            r#"{"kind":"Status","message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}"#,
        ),
        (
            APPLY,
            403,
            r#"{"kind":"Status","message":"deployments.apps \"web\" is forbidden: User \"limited\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"","reason":"Forbidden","code":403}"#,
        ),
        (
            APPLY,
            403,
            r#"{"kind":"Status","message":"configmaps \"c\" is forbidden: unable to create new content in namespace shop because it is being terminated","reason":"Forbidden","code":403}"#,
        ),
        (
            SECRET,
            500,
            r#"{"kind":"Status","message":"failed to convert new object to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 7","code":500}"#,
        ),
        (
            SECRET,
            500,
            r#"{"kind":"Status","message":"failed to create typed patch object: .stringData.password: expected string, got &value.valueUnstructured{Value:12345}","code":500}"#,
        ),
        (
            SECRET,
            400,
            r#"{"kind":"Status","message":"Secret in version \"v1\" cannot be handled as a Secret: v1.Secret.Data: decode base64: illegal base64 data at input byte 4, error found in #10 byte of ...|hunter2|..., bigger context ...|\"password\":\"hunter2\"|...","reason":"BadRequest","code":400}"#,
        ),
        (
            Asked::Other,
            400,
            r#"{"kind":"Status","message":"container \"web\" in pod \"web-1\" is waiting to start: ContainerCreating","reason":"BadRequest","code":400}"#,
        ),
        (Asked::Other, 502, "<html>\n<body>Bad Gateway"),
        (Asked::Other, 500, r#""#),
    ];
    let told: Vec<String> =
        refusals.iter().map(|(asked, code, body)| format!("{:?}", error(*asked, *code, body.as_bytes()))).collect();
    assert!(!told.concat().contains("hunter") && !told.concat().contains("12345"));
    insta::assert_snapshot!(told.join("\n\n"), @r#"
    Conflict { conflicts: [FieldConflict { field: ".spec.template.spec.containers[name=\"web\"].image", manager: "a" }] }

    Conflict { conflicts: [FieldConflict { field: ".spec.replicas", manager: "kubectl-patch" }] }

    Invalid { message: "Deployment.apps \"web\" is invalid: spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"other\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable", causes: [Cause { field: "spec.selector", message: "Invalid value: v1.LabelSelector{MatchLabels:map[string]string{\"app\":\"other\"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable" }] }

    OtherObject

    OtherObject

    OtherObject

    Invalid { message: "failed to create typed patch object: .spec.replicaz: field not declared in schema", causes: [Cause { field: "spec.replicaz", message: "field not declared in schema" }] }

    Invalid { message: "failed to create typed patch object: errors:\n  .spec.replicaz: field not declared in schema\n  .spec.templat: field not declared in schema", causes: [Cause { field: "spec.replicaz", message: "field not declared in schema" }, Cause { field: "spec.templat", message: "field not declared in schema" }] }

    Invalid { message: "failed to create typed patch object: .spec.replicas: expected numeric (int or float)", causes: [Cause { field: "spec.replicas", message: "expected numeric (int or float)" }] }

    Invalid { message: "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replicaz: field not declared in schema", causes: [Cause { field: "spec.replicaz", message: "field not declared in schema" }] }

    Refused { status: 500, message: "Internal error occurred: failed calling webhook \"check.example.com\": connection refused" }

    Invalid { message: "the name of the object (web) does not match the name on the URL (weby)", causes: [] }

    Missing { message: "namespaces \"nowhere\" not found" }

    Missing { message: "the server could not find the requested resource" }

    Forbidden { message: "deployments.apps \"web\" is forbidden: User \"limited\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"" }

    Forbidden { message: "configmaps \"c\" is forbidden: unable to create new content in namespace shop because it is being terminated" }

    Invalid { message: "failed to convert new object to proper version: unable to convert unstructured object to /v1, Kind=Secret: error decoding from json: illegal base64 data at input byte 7", causes: [] }

    Invalid { message: "failed to create typed patch object: .stringData.password: expected string", causes: [Cause { field: "stringData.password", message: "expected string" }] }

    Invalid { message: "Secret in version \"v1\" cannot be handled as a Secret: v1.Secret.Data: decode base64: illegal base64 data at input byte 4", causes: [] }

    Refused { status: 400, message: "container \"web\" in pod \"web-1\" is waiting to start: ContainerCreating" }

    Refused { status: 502, message: "HTTP 502" }

    Refused { status: 500, message: "HTTP 500" }
    "#);
}

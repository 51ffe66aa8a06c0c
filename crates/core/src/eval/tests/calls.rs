//! Function calls: arguments as a JSON list, and the result as JSON or an error.

use super::super::FUNCTIONS;
use super::*;

const CALLS: &[(&str, &str, &str)] = &[
    ("join", r#"[", ", ["a", 1, true]]"#, r#""a, 1, true""#),
    ("join", r#"[",", []]"#, r#""""#),
    ("join", r#"[",", [[]]]"#, "`join` needs a list of texts as `list`, not one with a list"),
    ("join", r#"[","]"#, "`join` is given 1 argument; it is called as join(separator, list)"),
    ("split", r#"[",", "a,b,"]"#, r#"["a","b",""]"#),
    ("split", r#"["", "aé"]"#, r#"["a","é"]"#),
    ("upper", r#"["aé"]"#, r#""AÉ""#),
    ("lower", r#"["ABC"]"#, r#""abc""#),
    ("title", r#"["it's a web-server"]"#, r#""It's A Web-Server""#),
    ("trim", r#"["-+web+-", "+-"]"#, r#""web""#),
    ("trimspace", r#"["\n web \t"]"#, r#""web""#),
    ("trimprefix", r#"["vv1", "v"]"#, r#""v1""#),
    ("trimsuffix", r#"["a.yaml", ".yml"]"#, r#""a.yaml""#),
    ("chomp", r#"["a\r\n\n"]"#, r#""a""#),
    ("startswith", r#"["node1", "node"]"#, "true"),
    ("endswith", r#"["node1", "node"]"#, "false"),
    ("replace", r#"["a.b.c", ".", "::"]"#, r#""a::b::c""#),
    ("replace", r#"["ab", "", "-"]"#, r#""-a-b-""#),
    ("substr", r#"["hello", 1, 3]"#, r#""ell""#),
    ("substr", r#"["hello", -3, -1]"#, r#""llo""#),
    ("substr", r#"["hello", 9, 1]"#, r#""""#),
    ("indent", r#"[2, "a\nb\n"]"#, r#""a\n  b\n  ""#),
    (
        "format",
        r#"["%s-%02d|%.2f|%5s|%-5s|%x|%%|%q|%v", "web", 7, 1.005, "r", "l", 255, "q\"", [1]]"#,
        r#""web-07|1.00|    r|l    |ff|%|\"q\\\"\"|[1]""#,
    ),
    ("format", r#"["%05d %+d %X %o %b %t %.1s", -42, 5, 255, 8, 5, true, "xyz"]"#, r#""-0042 +5 FF 10 101 true x""#),
    ("format", r#"["%d", 1.5]"#, "`format` needs a whole number as `values`, not 1.5"),
    ("format", r#"["%d %d", 1]"#, "`format` has no value for verb number 2, `%d`"),
    ("format", r#"["%d", 1, 2]"#, "`format` is given 2 values for 1 verbs"),
    ("format", r#"["%y", 1]"#, "~`format` does not know the verb `%y`"),
    ("format", r#"["100%"]"#, "~`format` ends in the middle of a verb"),
    ("length", r#"[["a", null]]"#, "2"),
    ("length", r#"[{"a": 1}]"#, "1"),
    ("length", r#"["aé"]"#, "2"),
    ("length", "[5]", "`length` needs a list, a map or text as `value`, not a number"),
    ("keys", r#"[{"b": 1, "a": 2}]"#, r#"["a","b"]"#),
    ("values", r#"[{"b": 1, "a": 2}]"#, "[2,1]"),
    ("merge", r#"[{"a": 1}, null, {"a": 2, "b": 3}]"#, r#"{"a":2,"b":3}"#),
    ("merge", "[]", "{}"),
    ("lookup", r#"[{"a": 1}, "a"]"#, "1"),
    ("lookup", r#"[{"a": 1}, "b", null]"#, "null"),
    ("lookup", r#"[{"tier": 1}, "teir"]"#, "`lookup` finds no key `teir`; did you mean `tier`?"),
    ("zipmap", r#"[["a", "b"], [1, 2]]"#, r#"{"a":1,"b":2}"#),
    ("zipmap", r#"[["a"], []]"#, "`zipmap` needs as many values as keys, not 0 for 1"),
    ("contains", "[[1.0, 2], 1]", "true"),
    ("contains", r#"[[1], "1"]"#, "false"),
    ("concat", "[[1], [], [2, 3]]", "[1,2,3]"),
    ("flatten", "[[[1], [[2], 3]]]", "[1,2,3]"),
    ("distinct", "[[1, 1.0, 2, \"1\", [1], [1.0]]]", r#"[1,2,"1",[1]]"#),
    ("sort", r#"[["b", "a", "C"]]"#, r#"["C","a","b"]"#),
    ("reverse", "[[1, 2]]", "[2,1]"),
    ("slice", "[[1, 2, 3], 1, 3]", "[2,3]"),
    ("slice", "[[1, 2, 3], 2, 1]", "`slice` cannot end at 1, before its start at 2"),
    ("slice", "[[1], 0, 2]", "`slice` needs a number from 0 to 1 as `end`, not 2"),
    ("element", r#"[["a", "b"], 3]"#, r#""b""#),
    ("element", r#"[["a", "b"], -1]"#, r#""b""#),
    ("element", "[[], 0]", "`element` cannot take an item of an empty list"),
    ("compact", r#"[["a", "", null, 0]]"#, r#"["a",0]"#),
    ("coalesce", r#"[null, "", "a", "b"]"#, r#""a""#),
    ("coalesce", "[null]", "~`coalesce` finds no value"),
    ("range", "[3]", "[0,1,2]"),
    ("range", "[1, 6, 2]", "[1,3,5]"),
    ("range", "[3, 0]", "[3,2,1]"),
    ("range", "[0, 1, 0]", "`range` cannot count in steps of 0"),
    ("min", "[3, 1.5, 2]", "1.5"),
    ("min", "[]", "`min` needs a number as `numbers`, not null"),
    ("max", r#"[3, "10"]"#, "10"),
    ("abs", "[-3]", "3"),
    ("abs", "[-9223372036854775808]", "~`abs` has a result too large"),
    ("ceil", "[1.2]", "2"),
    ("floor", "[-1.2]", "-2"),
    ("floor", "[1e300]", "1e+300"),
    ("tostring", "[1.50]", r#""1.5""#),
    ("tonumber", r#"["1e3"]"#, "1000"),
    ("tonumber", r#"["inf"]"#, r#"`tonumber` cannot read "inf" as a number"#),
    ("tobool", r#"["true"]"#, "true"),
    ("tobool", "[1]", "`tobool` needs true, false or one of them as text as `value`, not a number"),
    ("jsonencode", r#"[{"b": [1, 2.5, null], "a": "x\"y"}]"#, r#""{\"a\":\"x\\\"y\",\"b\":[1,2.5,null]}""#),
    ("jsondecode", r#"["{\"a\": [1, 1.0, 2.5]}"]"#, r#"{"a":[1,1,2.5]}"#),
    ("jsondecode", r#"["{"]"#, "~`jsondecode` is given text that is not JSON: EOF"),
    ("jsondecode", r#"["18446744073709551615"]"#, "~too large for a whole number"),
    (
        "yamlencode",
        r#"[{"list": [{"a": 1, "b": []}, [1, {"c": null}], "yes", "08", "nginx:1.27"], "empty": {}, "x y": "a: b", "m": "1\n2"}]"#,
        r#""empty: {}\nlist:\n  - a: 1\n    b: []\n  - - 1\n    - c: null\n  - \"yes\"\n  - \"08\"\n  - nginx:1.27\nm: \"1\\n2\"\nx y: \"a: b\"\n""#,
    ),
    ("base64encode", r#"["hello"]"#, r#""aGVsbG8=""#),
    ("base64decode", r#"["aGVsbG8="]"#, r#""hello""#),
    ("base64decode", r#"["/w=="]"#, "`base64decode` finds bytes that are not UTF-8 text"),
    ("sha256", r#"["hello"]"#, r#""2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824""#),
    ("file", r#"["motd.txt"]"#, r#""welcome\n""#),
    ("templatefile", r#"["motd.tpl", {"name": "n1"}]"#, r#""welcome to n1""#),
    (
        "templatefile",
        r#"["motd.tpl", {"nmae": 1}]"#,
        "in `motd.tpl`, line 2: the template is not given `name`; did you mean `nmae`?",
    ),
    ("templatefile", r#"["motd.tpl", 1]"#, "`templatefile` needs a map as `variables`, not a number"),
    ("cidrhost", r#"["10.12.112.5/20", 16]"#, r#""10.12.112.16""#),
    ("cidrhost", r#"["10.0.0.0/24", -1]"#, r#""10.0.0.255""#),
    ("cidrhost", r#"["10.0.0.0/24", 256]"#, "`cidrhost` finds no host 256 in a prefix of length 24"),
    ("cidrhost", r#"["fd00:fd12:3456:7890::/72", 34]"#, r#""fd00:fd12:3456:7890::22""#),
    ("cidrhost", r#"["::/0", -1]"#, r#""ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff""#),
    ("cidrhost", r#"["10.0.0.0", 1]"#, "~`cidrhost` cannot read \"10.0.0.0\" as a network prefix; write it as in"),
    ("cidrsubnet", r#"["172.16.0.0/12", 4, 2]"#, r#""172.18.0.0/16""#),
    ("cidrsubnet", r#"["fd00:fd12:3456:7890::/56", 16, 162]"#, r#""fd00:fd12:3456:7800:a200::/72""#),
    ("cidrsubnet", r#"["::/0", 0, 0]"#, r#""::/0""#),
    ("cidrsubnet", r#"["10.0.0.0/24", 9, 0]"#, "`cidrsubnet` cannot add 9 bits to a prefix of length 24"),
    ("cidrsubnet", r#"["10.0.0.0/24", 2, 4]"#, "`cidrsubnet` finds no subnet 4 in 2 bits"),
    ("cidrnetmask", r#"["172.16.0.0/12"]"#, r#""255.240.0.0""#),
    ("cidrnetmask", r#"["fd00::/8"]"#, "`cidrnetmask` is for IPv4: IPv6 has no netmasks"),
    ("uper", r#"["a"]"#, "there is no function `uper`; did you mean `upper`?"),
    ("explode", r#"["a"]"#, "~there is no function `explode`; functions are: join, split"),
];

fn literal_call(name: &str, arguments: &str) -> Expr {
    call(name, json(arguments).as_list().unwrap().iter().cloned().map(Expr::literal).collect())
}

#[test]
fn functions() {
    check(CALLS.iter().map(|(name, arguments, expected)| (literal_call(name, arguments), *expected)).collect());
}

#[test]
fn the_last_argument_can_be_spread() {
    let spread = |name: &str, last: Expr| kind(ExprKind::Call(name.to_owned(), vec![lit("[9]"), last], true));
    check(vec![
        (spread("concat", lit("[[1], [2]]")), "[9,1,2]"),
        (spread("concat", lit("1")), "`...` spreads a list, not a number"),
    ]);
    let world = World { applied: true, id: json("[[1], [2]]") };
    let planned = eval(&spread("concat", id()), &World::planned()).unwrap();
    assert_eq!(super::super::resolve(&planned, &world).unwrap(), json("[9, 1, 2]"));
}

#[test]
fn every_function_is_documented_and_called() {
    let manual = include_str!("../../../../../docs/expressions.md");
    for function in FUNCTIONS {
        let name = function.name;
        assert!(
            CALLS.iter().any(|(called, _, result)| *called == name && !result.starts_with('`')),
            "{name} is not called"
        );
        assert!(
            manual.contains(&format!("| `{name}{}` |", function.signature)),
            "{name} is not in docs/expressions.md"
        );
        assert!(manual.contains(&format!("`{}`", function.example)), "the example of {name} is not in the manual");
        assert!(function.example.starts_with(&format!("{name}(")), "{name}");
        assert!(function.doc.ends_with('.'), "{name}");
        assert!(serde_json::from_str::<Value>(function.result).is_ok(), "{name}");
    }
    let mut names: Vec<_> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FUNCTIONS.len());
}

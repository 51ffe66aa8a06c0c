//! Ingresses.

use super::translated;

#[test]
fn ingress_of_the_rke_template() {
    insta::assert_snapshot!(translated("
apiVersion: extensions/v1beta1
kind: Ingress
metadata:
  namespace: cattle-system
  name: cattle-ingress-http
  annotations:
    kubernetes.io/ingress.class: nginx
spec:
  rules:
  - host: demo.rancher.com
    http:
      paths:
      - backend:
          serviceName: cattle-service
          servicePort: 80
"), @"
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      annotations:
        kubernetes.io/ingress.class: nginx
      name: cattle-ingress-http
      namespace: cattle-system
    spec:
      rules:
        - host: demo.rancher.com
          http:
            paths:
              - backend:
                  service:
                    name: cattle-service
                    port:
                      number: 80
                pathType: ImplementationSpecific
    ---
    warning 2:13: Ingress cattle-system/cattle-ingress-http is written as extensions/v1beta1, which is gone since Kubernetes 1.22; it is applied as networking.k8s.io/v1
      `pathType` is filled in as ImplementationSpecific, which is what paths without one meant.
      help: write it as networking.k8s.io/v1 to end this warning
    ");
}

#[test]
fn ingress_with_every_backend() {
    insta::assert_snapshot!(translated("
apiVersion: networking.k8s.io/v1beta1
kind: Ingress
metadata: {name: web}
spec:
  backend: {serviceName: fallback, servicePort: http}
  rules:
  - http:
      paths:
      - path: /a
        pathType: Prefix
        backend: {serviceName: web, servicePort: '8080'}
      - path: /b
        backend: {resource: {kind: Bucket, name: static}}
"), @"
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata:
      name: web
    spec:
      defaultBackend:
        service:
          name: fallback
          port:
            name: http
      rules:
        - http:
            paths:
              - backend:
                  service:
                    name: web
                    port:
                      number: 8080
                path: /a
                pathType: Prefix
              - backend:
                  resource:
                    kind: Bucket
                    name: static
                path: /b
                pathType: ImplementationSpecific
    ---
    warning 2:13: Ingress web is written as networking.k8s.io/v1beta1, which is gone since Kubernetes 1.22; it is applied as networking.k8s.io/v1
      `pathType` is filled in as ImplementationSpecific, which is what paths without one meant.
      help: write it as networking.k8s.io/v1 to end this warning
    ");
}

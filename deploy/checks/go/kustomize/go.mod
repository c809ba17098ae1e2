// What `python -m deploy.checks` builds kustomize from; go.sum holds the hashes.
module waybill/checks/kustomize

go 1.26.0

require sigs.k8s.io/kustomize/kustomize/v5 v5.7.1

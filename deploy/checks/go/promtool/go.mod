// What `python -m deploy.checks` builds promtool from; go.sum holds the hashes.
module waybill/checks/promtool

go 1.26.0

require github.com/prometheus/prometheus v0.315.0

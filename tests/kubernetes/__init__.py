"""deploy/kubernetes as kubectl and Prometheus would read it, without a cluster."""

"""What Prometheus is told of billing, a module per subject; `services.billing.work` lists them."""

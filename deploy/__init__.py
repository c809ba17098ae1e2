"""What runs Waybill: the machine room of a laptop, containers, Kubernetes, and the documents generated from code."""

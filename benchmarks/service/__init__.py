"""What `benchmarks.serving` measures the service with: a shop, servers, requests and loads."""

"""The demo's people and issues: invented, but of the kind customs meets every day. Only for databases marked demo."""

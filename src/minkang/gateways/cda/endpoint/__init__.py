"""Transport of clinical documents over HTTP: `taking` what is sent, `giving` what the record holds."""

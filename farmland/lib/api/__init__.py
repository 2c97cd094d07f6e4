"""REST lists from one declared column table: JSON, CSV, XLSX and the OpenAPI schema all come out of it."""

"""Pure: what is known of a request and of its sendings, as spans and measurements of OpenTelemetry."""

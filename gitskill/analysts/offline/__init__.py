"""The analyst that needs no model: errors and what got past them, constructs, deviations, anomalies, suspects."""

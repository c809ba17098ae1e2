"""The machine room of a laptop: PostgreSQL, Kafka, SMTP and Stripe for real, without root, Docker or a package."""

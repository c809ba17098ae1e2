"""What other services say, a module per topic; `services.intake.work` lists them."""

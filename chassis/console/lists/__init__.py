"""The list machinery's parts; rooms import `chassis.console.listing`."""

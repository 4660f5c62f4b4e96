"""What Recapito's services share. Each module stands alone; import the module, not this package."""

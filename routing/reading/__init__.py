"""Questions to the ledger that reports, budgets and routers ask."""

"""验收批次: many works before one team; every accepted area still enters by the one door, tasks.acceptance."""

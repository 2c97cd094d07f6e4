"""The papers of a batch: payment sheet, per-village statement, publicity sheet, application form."""

"""From due to paid: batches with four hands, publicity, payees, funds, payments, adjustments, papers."""

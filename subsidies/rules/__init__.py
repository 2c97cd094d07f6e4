"""The rule of a rate and the arithmetic of money: what it says, whom it pays, how much and why. Knows no database."""

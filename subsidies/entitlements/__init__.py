"""What is due: accepted land under the rules in force, computed by a job, each row explained; guards, simulation."""

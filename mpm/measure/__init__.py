"""Time, accuracy and the machine that they were measured on."""

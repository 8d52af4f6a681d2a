"""The networks of generation. Pictures are `(B, 3, 16, 16)`, packed sounds `(B, 8, 16, 16)`, both in −1..1."""

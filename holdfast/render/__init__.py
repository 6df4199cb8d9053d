"""What commands say: documents for programs, tables for people."""

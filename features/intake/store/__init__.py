"""A history in Holdfast's own store: rows that were read already, kept until they are asked for."""

"""Campaigns: planned, started, handed out, measured."""

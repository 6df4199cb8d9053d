"""The exports of shop systems and payment services that are known by their headers: a file each."""

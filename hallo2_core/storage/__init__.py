"""Files on a disk that may fill up, vanish or lose power: whole or not there."""

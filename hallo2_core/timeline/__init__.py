"""What acts when: prompts and weights over the time of a video, written as one line of text."""

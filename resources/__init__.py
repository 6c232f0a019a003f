"""Data files shipped with Stride: themes, icons, prompts, the starter adapter."""

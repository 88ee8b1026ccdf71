"""The pages in Debian's Chromium, without a screen."""

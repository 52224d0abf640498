"""What the dynamic loader of Linux will find: ELF files read, and glibc's search followed."""

"""A page that suggests hashtags while somebody writes, and tools for assistants; needs `right_hf[demo]`."""

from right_hf.demo.serving import launch as launch
from right_hf.demo.serving import mount as mount

"""What several tests share: tiny models, a Hub on the loopback, a chat server, command lines."""

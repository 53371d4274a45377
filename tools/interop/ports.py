"""A port for a server that is killed and started again; run, it prints one."""
import random, socket


def free_port():
    """One that no client is given by chance: who dials a server that is away could meet itself there, and keep it out."""
    while True:
        port = random.randrange(10000, 30000)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


if __name__ == "__main__":
    print(free_port())

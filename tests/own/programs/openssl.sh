# packages: openssl
openssl speed -elapsed -seconds 1 -bytes 1024 -multi 2 sha256
openssl genrsa 1024

"""SM4 in Galois/counter mode (国密; GB/T 32907, RFC 8998), for whatever the cipher setting covers."""

from cryptography.hazmat.primitives.ciphers import Cipher as BlockCipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

TAG_BYTES = 16


def encrypt(key: bytes, nonce: bytes, plain: bytes, associated: bytes) -> bytes:
    """Ciphertext and tag under a key of 16 bytes."""
    encryptor = BlockCipher(SM4(key), GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(associated)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def decrypt(key: bytes, nonce: bytes, body: bytes, associated: bytes) -> bytes:
    """What `encrypt` was given. Raises `cryptography.exceptions.InvalidTag`."""
    decryptor = BlockCipher(SM4(key), GCM(nonce, body[-TAG_BYTES:])).decryptor()
    decryptor.authenticate_additional_data(associated)
    return decryptor.update(body[:-TAG_BYTES]) + decryptor.finalize()

"""The parts of SM2 that a card may leave to whoever calls it: the digest that is signed (GB/T 32918.2-2016 §5.5, with
SM3, GB/T 32905-2016), and the form of the signature (GB/T 35276-2017 §7.3).
"""

from cardauth.agent.der import INTEGER, SEQUENCE, read_one, write_integer, write_sequence

USER_ID = b"1234567812345678"
"""The usual user id (GM/T 0009-2012 §10)."""
# The curve of GB/T 32918.5-2017 §A: a, b, and the base point.
CURVE = bytes.fromhex(
    "FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFC"
    "28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93"
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
POINT_LENGTH, NUMBER_LENGTH = 65, 32
BLOCK = 64
MASK = 0xFFFFFFFF
START = (0x7380166F, 0x4914B2B9, 0x172442D7, 0xDA8A0600, 0xA96F30BC, 0x163138AA, 0xE38DEE4D, 0xB0FB0E4E)


def digest_for_sm2(point: bytes, message: bytes) -> bytes:
    """e = SM3(Z, message), Z = SM3(length of the id in bits, id, curve, public point). Raises ValueError."""
    if len(point) != POINT_LENGTH or point[0] != 0x04:
        raise ValueError("the public key is no uncompressed point")
    z = sm3(len(USER_ID * 8).to_bytes(2, "big") + USER_ID + CURVE + point[1:])
    return sm3(z + message)


def write_sm2_signature(signature: bytes) -> bytes:
    """A card's answer, r and s side by side or DER already, as DER. Raises ValueError."""
    if len(signature) == 2 * NUMBER_LENGTH:
        r, s = signature[:NUMBER_LENGTH], signature[NUMBER_LENGTH:]
        return write_sequence(*(write_integer(int.from_bytes(part, "big")) for part in (r, s)))
    numbers = read_one(signature).expect(SEQUENCE).children()
    if [number.tag for number in numbers] != [INTEGER, INTEGER]:
        raise ValueError("no SM2 signature")
    return signature


def sm3(message: bytes) -> bytes:
    """The SM3 hash: written here because not every OpenSSL that Python is built with has it."""
    padded = message + b"\x80" + bytes(-(len(message) + 9) % BLOCK) + (8 * len(message)).to_bytes(8, "big")
    state = START
    for at in range(0, len(padded), BLOCK):
        state = compress(state, padded[at : at + BLOCK])
    return b"".join(word.to_bytes(4, "big") for word in state)


def turn(word: int, by: int) -> int:
    """A word of 32 bits turned left."""
    by %= 32
    return (word << by | word >> (32 - by)) & MASK


def compress(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    """One block (§5.3.3). The names of the registers are the standard's."""
    words = expand(block)
    a, b, c, d, e, f, g, h = state
    for j in range(64):
        ss1 = turn((turn(a, 12) + e + turn(0x79CC4519 if j < 16 else 0x7A879D8A, j)) & MASK, 7)
        ss2 = ss1 ^ turn(a, 12)
        ff = a ^ b ^ c if j < 16 else a & b | a & c | b & c
        gg = e ^ f ^ g if j < 16 else e & f | ~e & g
        tt1 = (ff + d + ss2 + (words[j] ^ words[j + 4])) & MASK
        tt2 = (gg + h + ss1 + words[j]) & MASK
        a, b, c, d = tt1, a, turn(b, 9), c
        e, f, g, h = tt2 ^ turn(tt2, 9) ^ turn(tt2, 17), e, turn(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def expand(block: bytes) -> list[int]:
    """The 68 words of a block (§5.3.2)."""
    words = [int.from_bytes(block[at : at + 4], "big") for at in range(0, BLOCK, 4)]
    for j in range(16, 68):
        x = words[j - 16] ^ words[j - 9] ^ turn(words[j - 3], 15)
        words.append(x ^ turn(x, 15) ^ turn(x, 23) ^ turn(words[j - 13], 7) ^ words[j - 6])
    return words

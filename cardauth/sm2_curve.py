"""SM2 with SM3 in plain Python (GB/T 32918.1, .2 and .5), for machines that gmssl_pyx has no wheel for: arm64, as of 2.1. Only
verifying, so that every number in it is public and the time it takes tells nothing; some 5 ms a signature.
"""

from cryptography.hazmat.primitives.hashes import SM3, Hash

# GB/T 32918.5-2017, 2: the recommended curve y² = x³ + ax + b over the prime field, a = -3
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
BASE = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
    1,
)
USER = b"1234567812345678"

Point = tuple[int, int, int]
"""Jacobian: (X/Z², Y/Z³); the point at infinity has Z = 0."""
INFINITY: Point = (1, 1, 0)


def verify(key: bytes, message: bytes, r: int, s: int) -> bool:
    """Whether r and s are the key's (X and Y, 64 bytes) signature over the message, with the usual signer id (.2, 7.1)."""
    point = read_point(key)
    t = (r + s) % ORDER
    if point is None or not (0 < r < ORDER and 0 < s < ORDER) or t == 0:
        return False
    x, _, z = add_products(s, BASE, t, point)
    if z == 0:
        return False
    return (digest(key, message) + x * pow(z, -2, P) % P) % ORDER == r


def digest(key: bytes, message: bytes) -> int:
    """The number that is signed: SM3 of Z (the signer's id, the curve, the key) and the message (.2, 5.5 and 6.1)."""
    curve = b"".join(number.to_bytes(32) for number in (P - 3, B, *BASE[:2]))
    z = _sm3((8 * len(USER)).to_bytes(2) + USER + curve + key)
    return int.from_bytes(_sm3(z + message))


def read_point(key: bytes) -> Point | None:
    """The point with these coordinates, None when it is not on the curve."""
    x, y = int.from_bytes(key[:32]), int.from_bytes(key[32:])
    on_curve = x < P and y < P and (y * y - (x * x * x - 3 * x + B)) % P == 0
    return (x, y, 1) if on_curve else None


def add_products(m: int, first: Point, n: int, second: Point) -> Point:
    """m·first + n·second, both scalars read bit by bit at once (Shamir's trick)."""
    sums = {(1, 0): first, (0, 1): second, (1, 1): add(first, second)}
    total = INFINITY
    for bit in range(255, -1, -1):
        total = double(total)
        if (chosen := (m >> bit & 1, n >> bit & 1)) != (0, 0):
            total = add(total, sums[chosen])
    return total


def double(point: Point) -> Point:
    """Twice the point ("dbl-2001-b", for a = -3)."""
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta, alpha = x * gamma % P, 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, ((y + z) ** 2 - gamma - delta) % P


def add(first: Point, second: Point) -> Point:
    """The sum of two points, whichever they are ("add-1998-cmo-2")."""
    x1, y1, z1 = first
    x2, y2, z2 = second
    if z1 == 0 or z2 == 0:
        return second if z1 == 0 else first
    z1_square, z2_square = z1 * z1 % P, z2 * z2 % P
    u1, u2 = x1 * z2_square % P, x2 * z1_square % P
    s1, s2 = y1 * z2 * z2_square % P, y2 * z1 * z1_square % P
    h, slope = (u2 - u1) % P, (s2 - s1) % P
    if h == 0:
        return double(first) if slope == 0 else INFINITY
    h_square = h * h % P
    h_cube, v = h * h_square % P, u1 * h_square % P
    x3 = (slope * slope - h_cube - 2 * v) % P
    return x3, (slope * (v - x3) - s1 * h_cube) % P, h * z1 * z2 % P


def _sm3(data: bytes) -> bytes:
    hasher = Hash(SM3())
    hasher.update(data)
    return hasher.finalize()

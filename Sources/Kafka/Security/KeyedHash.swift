internal import COpenSSL

/// HMAC-SHA-256 with one key.
///
/// Source: RFC 2104, HMAC: Keyed-Hashing for Message Authentication; FIPS 180-4.
package struct KeyedHash: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let key: [UInt8]

    package init(key: [UInt8]) { self.key = key }

    /// The 32 bytes of the hash.
    package func digest(of data: RawSpan) -> [UInt8] {
        let digest = unsafe [UInt8](unsafeUninitializedCapacity: Int(EVP_MAX_MD_SIZE)) { output, count in
            var length: UInt32 = 0
            let result = unsafe key.withUnsafeBufferPointer { key in
                unsafe data.withUnsafeBytes { data in
                    unsafe HMAC(
                        EVP_sha256(), key.baseAddress, Int32(key.count),
                        data.baseAddress?.assumingMemoryBound(to: UInt8.self), data.count, output.baseAddress, &length)
                }
            }
            count = unsafe result == nil ? 0 : Int(length)
        }
        precondition(digest.count == 32, "SHA-256 is part of every OpenSSL")
        return digest
    }

    /// The key is never shown.
    package var description: String { "(hidden)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}

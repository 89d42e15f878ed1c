import COpenSSL

/// The server's half of a SCRAM exchange (RFC 5802), between the client's first and last message.
struct SCRAMExchange {
    private static let iterations: Int32 = 4096
    private let hash: OpaquePointer?
    private let size: Int
    private let saltedPassword: [UInt8]
    /// The server's part of the nonce.
    private let nonce: String
    /// The messages so far, as the proofs cover them.
    private let transcript: String
    /// What the client is to answer.
    let challenge: String

    /// Reads the client's first message.
    init(_ mechanism: SASLMechanism, first: String, users: [String: String]) throws(Refusal) {
        let isLong = mechanism == .scramSHA512
        hash = isLong ? EVP_sha512() : EVP_sha256()
        size = isLong ? 64 : 32
        // Channel binding is not offered: the message begins with "n,," or names an identity after "a=".
        let parts = first.split(separator: ",", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "n" || parts[0] == "y" else { throw .wrongPassword }
        let bare = String(parts[2])
        let fields = Self.fields(bare)
        guard let name = fields["n"], let clientNonce = fields["r"], !clientNonce.isEmpty else { throw .wrongPassword }
        let user = name.replacing("=2C", with: ",").replacing("=3D", with: "=")
        guard let password = users[user] else { throw .wrongPassword }
        let salt = Self.random(16)
        nonce = Base64.encode(Self.random(18))
        challenge = "r=\(clientNonce)\(nonce),s=\(Base64.encode(salt)),i=\(Self.iterations)"
        transcript = "\(bare),\(challenge)"
        saltedPassword = Self.stretch(password, salt: salt, hash: hash, size: size)
    }

    /// Checks the client's proof, and gives the server's own.
    func finish(_ last: String) throws(Refusal) -> String {
        guard let end = last.range(of: ",p=", fromEnd: true) else { throw .wrongPassword }
        let withoutProof = String(last[..<end.lowerBound])
        // As Apache Kafka looks at it: older librdkafka repeats its own part (confluentinc/librdkafka#4895).
        guard Self.fields(withoutProof)["r"]?.hasSuffix(nonce) == true,
            let proof = Base64.decode(String(last[end.upperBound...])),
            proof.count == size
        else { throw .wrongPassword }
        let message = Array("\(transcript),\(withoutProof)".utf8)
        let clientKey = mac(saltedPassword, Array("Client Key".utf8))
        let signature = mac(digest(clientKey), message)
        let claimed = zip(proof, signature).map { $0 ^ $1 }
        guard CRYPTO_memcmp(claimed, clientKey, size) == 0 else { throw .wrongPassword }
        let serverKey = mac(saltedPassword, Array("Server Key".utf8))
        return "v=\(Base64.encode(mac(serverKey, message)))"
    }

    private static func fields(_ text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for part in text.split(separator: ",") {
            guard let equals = part.firstIndex(of: "=") else { continue }
            fields[String(part[..<equals])] = String(part[part.index(after: equals)...])
        }
        return fields
    }

    private static func random(_ count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        RAND_bytes(&bytes, Int32(count))
        return bytes
    }

    private static func stretch(_ password: String, salt: [UInt8], hash: OpaquePointer?, size: Int) -> [UInt8] {
        var key = [UInt8](repeating: 0, count: size)
        PKCS5_PBKDF2_HMAC(
            password, Int32(password.utf8.count), salt, Int32(salt.count), iterations, hash, Int32(size), &key)
        return key
    }

    private func mac(_ key: [UInt8], _ message: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: size)
        var length = UInt32(size)
        HMAC(hash, key, Int32(key.count), message, message.count, &result, &length)
        return result
    }

    private func digest(_ bytes: [UInt8]) -> [UInt8] {
        var result = [UInt8](repeating: 0, count: size)
        var length = UInt32(size)
        EVP_Digest(bytes, bytes.count, &result, &length, hash, nil)
        return result
    }
}

extension String {
    /// Where a text is last.
    fileprivate func range(of text: String, fromEnd: Bool) -> Range<String.Index>? {
        ranges(of: text).last
    }
}

internal import FoundationEssentials

extension TokenSource {
    /// Reads the file or asks the endpoint. Blocks.
    ///
    /// - Parameter isEnding: Asked now and then; true gives up.
    package func fetch(isEnding: () -> Bool = { false }) throws(TokenFailure) -> BearerToken {
        switch origin {
        case .file(let path):
            guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= Self.maximumBytes,
                let text = String(validating: data, as: UTF8.self)
            else { throw TokenFailure("the token file \(path) cannot be read") }
            do throws(TokenFailure) {
                return try BearerToken(Self.trimmed(text), now: Self.now())
            } catch {
                throw TokenFailure("the token file \(path) \(error)")
            }
        case .endpoint(let endpoint):
            do throws(TokenFailure) {
                return try endpoint.fetch(isEnding: isEnding)
            } catch {
                throw TokenFailure("the token endpoint \(endpoint.url) \(error)")
            }
        }
    }

    static let maximumBytes = 64 << 10

    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1000) }

    private static func trimmed(_ text: String) -> String {
        let start = text.drop { $0.isWhitespace }
        return String(start.reversed().drop { $0.isWhitespace }.reversed())
    }
}

extension TokenEndpoint {
    /// What the endpoint answers, well or ill (RFC 6749, 5).
    private struct Answer: Decodable {
        let access_token: String?
        let expires_in: Double?
        let error: String?
    }

    func fetch(isEnding: () -> Bool) throws(TokenFailure) -> BearerToken {
        let request = HTTPRequest(endpoint: self)
        let response = try HTTPExchange.perform(
            request.bytes, with: url, authoritiesFile: authoritiesFile, within: .seconds(10), isEnding: isEnding)
        let answer = try? JSONDecoder().decode(Answer.self, from: Data(response.body))
        guard response.status == 200 else {
            // The code is from a short list; the description could hold anything.
            let code = answer?.error.map {
                " and the error `\(String($0.filter { $0.isLetter || $0 == "_" }.prefix(40)))`"
            }
            throw TokenFailure("answers with status \(response.status)\(code ?? "")")
        }
        guard let text = answer?.access_token else { throw TokenFailure("answers without `access_token`") }
        let lifetime = answer?.expires_in.flatMap { $0 > 0 && $0 < 1e9 ? Int64($0 * 1000) : nil }
        return try BearerToken(text, lifetime: lifetime, now: TokenSource.now())
    }
}

/// The request for a token by client credentials.
struct HTTPRequest {
    let bytes: [UInt8]

    init(endpoint: TokenEndpoint) {
        let url = endpoint.url
        let host = url.host.contains(":") ? "[\(url.host)]" : url.host
        var body = "grant_type=client_credentials"
        if let scope = endpoint.scope { body += "&scope=" + Self.form(scope) }
        let credentials = "\(Self.form(endpoint.clientID)):\(Self.form(endpoint.currentSecret))"
        let lines = [
            "POST \(url.target) HTTP/1.1",
            "Host: \(host):\(url.port)",
            "Authorization: Basic \(Data(credentials.utf8).base64EncodedString())",
            "Content-Type: application/x-www-form-urlencoded",
            "Content-Length: \(body.utf8.count)",
            "Accept: application/json",
            "User-Agent: godwit",
            "Connection: close",
        ]
        bytes = Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    private static func form(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF")
        return text.utf8.reduce(into: "") { encoded, byte in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += ["%", String(digits[Int(byte >> 4)]), String(digits[Int(byte & 15)])].joined()
            }
        }
    }
}

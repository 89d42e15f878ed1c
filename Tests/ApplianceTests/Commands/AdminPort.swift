import Foundation
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// The admin port of a `godwit run`, asked over HTTP as its users do.
struct AdminPort {
    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String

        var json: JSONValue { get throws { try JSONParser.parse(body) } }
    }

    let port: Int

    init() throws {
        port = Int(try LoopbackPort.free())
    }

    var variables: [String: String] { ["GODWIT_ADMIN_LISTEN": "127.0.0.1:\(port)"] }

    func get(_ path: String, method: String = "GET") async throws -> Answer {
        guard let url = URL(string: "http://127.0.0.1:\(port)\(path)") else { throw URLError(.badURL) }
        var request = URLRequest(url: url)
        request.httpMethod = method
        if method == "POST" { request.httpBody = Data("{}".utf8) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let http = response as? HTTPURLResponse
        let headers = (http?.allHeaderFields ?? [:]).reduce(into: [:]) { headers, field in
            headers["\(field.key)".lowercased()] = "\(field.value)"
        }
        return Answer(status: http?.statusCode ?? 0, headers: headers, body: String(decoding: data, as: UTF8.self))
    }

    /// Waits for a status at a path; the port may not be open yet.
    func wait(for status: Int, at path: String) async throws {
        try await eventually("\(path) answers \(status)") { (try? await get(path))?.status == status }
    }

    /// The values of a metric's series, by their labels.
    func metric(_ name: String) async throws -> [String: Double] {
        try await get("/metrics").body.split(separator: "\n").reduce(into: [:]) { values, line in
            let parts = line.split(separator: " ")
            guard parts.count == 2, let series = parts.first, series.prefix(while: { $0 != "{" }) == name else {
                return
            }
            values[String(series.dropFirst(name.count))] = Double(parts[1])
        }
    }
}

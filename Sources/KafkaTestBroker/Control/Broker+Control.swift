import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

extension Broker {
    struct ControlAnswer {
        var status = HTTPResponseStatus.ok
        var body = ByteBuffer(string: "{}")
    }

    /// Does what a request to the control endpoint says.
    func control(_ method: HTTPMethod, _ uri: String, body: ByteBuffer) -> ControlAnswer {
        do {
            return try perform(method, uri, Data(body.readableBytesView))
        } catch {
            return ControlAnswer(
                status: .badRequest, body: (try? encode(["error": "\(error)"])) ?? ByteBuffer(string: "{}"))
        }
    }

    private func encode(_ value: some Encodable) throws -> ByteBuffer {
        ByteBuffer(bytes: try JSONEncoder().encode(value))
    }

    private func perform(_ method: HTTPMethod, _ uri: String, _ body: Data) throws -> ControlAnswer {
        func command() throws -> ControlCommand {
            body.isEmpty ? ControlCommand() : try JSONDecoder().decode(ControlCommand.self, from: body)
        }
        switch (method, uri) {
        case (.GET, "/faults"):
            return ControlAnswer(
                body: try encode(faults.faults.map { ListedFault(number: $0.number, fault: $0.fault, hits: $0.hits) }))
        case (.POST, "/faults"):
            let number = faults.add(try JSONDecoder().decode(Fault.self, from: body))
            return ControlAnswer(body: try encode(["number": number]))
        case (.DELETE, "/faults"): removeAllFaults()
        case (.GET, _) where uri.hasPrefix("/faults/"):
            return ControlAnswer(body: try encode(["hits": faults.hits(Int(uri.dropFirst(8)) ?? 0)]))
        case (.DELETE, _) where uri.hasPrefix("/faults/"): removeFault(Int(uri.dropFirst(8)) ?? 0)
        case (.POST, "/freeze"): freeze()
        case (.POST, "/thaw"): thaw()
        case (.POST, "/disconnect"): disconnectAll(node: try command().node)
        case (.POST, "/lose-producer-state"):
            let wanted = try command()
            loseProducerState(topic: wanted.topic, partition: wanted.partition, producerID: wanted.producerID)
        case (.POST, "/move-leader"):
            let wanted = try command()
            guard let topic = wanted.topic, let node = wanted.node,
                moveLeader(topic: topic, partition: wanted.partition, to: node)
            else { return ControlAnswer(status: .notFound) }
        case (.POST, "/move-transaction-coordinator"):
            let wanted = try command()
            guard let node = wanted.node,
                moveTransactionCoordinator(
                    of: wanted.transactionalID, to: node, loading: .milliseconds(wanted.milliseconds ?? 0))
            else { return ControlAnswer(status: .notFound) }
        default: return ControlAnswer(status: .notFound)
        }
        return ControlAnswer()
    }
}

/// What the control endpoint can be told, beside faults.
struct ControlCommand: Codable {
    var topic: String?
    var partition: Int32?
    var producerID: Int64?
    var node: Int32?
    var transactionalID: String?
    var milliseconds: Int64?

    private enum CodingKeys: String, CodingKey {
        case topic, partition, node, milliseconds
        case transactionalID = "transactional_id"
        case producerID = "producer_id"
    }
}

/// A fault as the control endpoint lists it.
struct ListedFault: Codable {
    let number: Int
    let fault: Fault
    let hits: Int
}

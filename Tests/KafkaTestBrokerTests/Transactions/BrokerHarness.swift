import Logging
import NIOCore
import NIOEmbedded
import Testing

@testable import KafkaTestBroker

/// A broker without sockets and with a clock that moves only when told: what a test sees is the same in every run.
final class BrokerHarness {
    private(set) var broker: Broker
    private(set) var loop: EmbeddedEventLoop
    let configuration: BrokerConfiguration
    private let time = Time()
    private let directory: TemporaryDirectory?
    private var connections = 0

    private final class Time {
        /// Far from the start of time, so that no difference becomes negative.
        var now: Int64 = 1_700_000_000_000
    }

    /// A request that got no answer.
    struct Unanswered: Error {
        let isClosed: Bool
    }

    /// A broker that keeps everything in the directory, if there is one.
    init(_ configuration: BrokerConfiguration = BrokerConfiguration(), directory: TemporaryDirectory? = nil) throws {
        var configuration = configuration
        configuration.dataDirectory = directory?.path
        self.configuration = configuration
        self.directory = directory
        loop = EmbeddedEventLoop()
        broker = try Self.start(configuration, loop, time)
    }

    private static func start(
        _ configuration: BrokerConfiguration, _ loop: EmbeddedEventLoop, _ time: Time
    ) throws -> Broker {
        let broker = Broker(
            configuration: configuration, loop: loop,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), clock: { time.now })
        try broker.openStorage()
        broker.endpoints = (1...configuration.nodes).map { ("127.0.0.1", 9000 + $0) }
        broker.startHousekeeping()
        return broker
    }

    /// Lets time pass, with all that falls due in it.
    func advance(by milliseconds: Int64) {
        for _ in 0..<milliseconds {
            time.now += 1
            loop.advanceTime(by: .milliseconds(1))
        }
    }

    /// Ends the broker as `kill -9` does, with all that it had only in memory, and starts it again on its directory.
    func killAndRestart() throws {
        broker.isShutDown = true
        broker.journal = nil
        broker.directoryLock = nil
        broker.topics = [:]
        loop = EmbeddedEventLoop()
        broker = try Self.start(configuration, loop, time)
    }

    /// Has a request answered by a node.
    func ask<Response: Message>(
        _ kind: RequestKind, _ version: Int16, node: Int32 = 1, _ request: some RequestBody
    ) throws -> Response {
        let api = try #require(API.all.first { $0.kind == kind })
        var request = request
        var body = Coder(writing: api.format(version))
        // The end of the header, whose client id keeps the classic encoding.
        body.tags()
        body(&request)
        var frame = ByteBuffer()
        frame.writeMultipleIntegers(api.number, version, Int32(7), Int16(-1))
        frame.writeImmutableBuffer(body.joined())
        var bytes = try send(frame, node: node)
        bytes.moveReaderIndex(forwardBy: 8)
        var answer = Coder(reading: bytes, api.format(version))
        var response = Response()
        answer.tags()
        answer(&response)
        try answer.finishReading()
        return response
    }

    private func send(_ frame: ByteBuffer, node: Int32) throws -> ByteBuffer {
        connections += 1
        let connection = Connection(number: connections, node: node, clientHost: "test", authentication: .open)
        var answer = Result<ByteBuffer, Unanswered>.failure(Unanswered(isClosed: false))
        do {
            try broker.receive(frame, on: connection) { reply, _ in
                switch reply {
                case .frame(let pieces):
                    answer = .success(pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) })
                case .close, .half: answer = .failure(Unanswered(isClosed: true))
                // The request waits, or its answer was swallowed.
                case .nothing, .silence: break
                }
            }
        } catch {
            throw Unanswered(isClosed: true)
        }
        return try answer.get()
    }
}

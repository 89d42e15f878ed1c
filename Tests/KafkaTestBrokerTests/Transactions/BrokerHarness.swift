import Logging
import NIOCore
import NIOEmbedded

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

    enum Answer {
        case body(WireReader)
        /// The connection was closed.
        case closed
        /// The request waits, or its answer was swallowed.
        case none
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
    func send(_ api: APIKey, _ version: Int16, node: Int32 = 1, _ body: (inout WireWriter) -> Void) -> Answer {
        var writer = WireWriter(flexible: api.isFlexible(version))
        writer.int16(api.rawValue)
        writer.int16(version)
        writer.int32(7)
        // The client id, in the classic encoding.
        writer.int16(-1)
        writer.tags()
        body(&writer)
        writer.tags()
        let frame = writer.finish().reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
        connections += 1
        let connection = Connection(number: connections, node: node, clientHost: "test", authentication: .open)
        var answer = Answer.none
        do {
            try broker.receive(frame, on: connection) { reply, _ in
                switch reply {
                case .frame(let pieces):
                    var bytes = pieces.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
                    bytes.moveReaderIndex(forwardBy: 8)
                    var reader = WireReader(bytes)
                    reader.flexible = api.isFlexible(version)
                    if api != .apiVersions { try? reader.tags() }
                    answer = .body(reader)
                case .close, .half: answer = .closed
                case .nothing, .silence: break
                }
            }
        } catch {
            answer = .closed
        }
        return answer
    }
}

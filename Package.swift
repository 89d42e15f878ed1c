// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    // Borrowed bytes (`RawSpan`) carry the lifetime of what they are borrowed from.
    .enableExperimentalFeature("Lifetimes"),
]

/// For the targets that touch C or threads: every unsafe expression is marked.
let boundary: [SwiftSetting] = settings + [.strictMemorySafety()]

let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let signals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

/// The commit that is built, for `godwit --version`: of the environment where the sources come without their history.
let commit: String = {
    if let given = Context.environment["GODWIT_COMMIT"], !given.isEmpty { return given }
    guard let git = Context.gitInformation else { return "unknown" }
    return String(git.currentCommit.prefix(12)) + (git.hasUncommittedChanges ? "-changed" : "")
}()

let package = Package(
    name: "godwit",
    products: [
        .executable(name: "godwit", targets: ["godwit"]),
        .library(name: "Postgres", targets: ["Postgres"]),
        .library(name: "EventSourcing", targets: ["EventSourcing"]),
        .library(name: "Consumers", targets: ["Consumers"]),
        .library(name: "EventStoreTesting", targets: ["EventStoreTesting"]),
        .library(name: "KafkaBridge", targets: ["KafkaBridge"]),
        .library(name: "KafkaTestBroker", targets: ["KafkaTestBroker"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLibRDKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),

        .target(name: "DedicatedThread", swiftSettings: boundary),
        .target(
            name: "Postgres", dependencies: ["CLibPQ", "COpenSSL", "DedicatedThread", logging], swiftSettings: boundary),
        .target(
            name: "Kafka", dependencies: ["CLibRDKafka", "COpenSSL", "DedicatedThread", "Telemetry", logging],
            swiftSettings: boundary),
        .target(name: "EventSourcing", dependencies: ["Postgres", logging], swiftSettings: settings),
        .target(name: "Telemetry", dependencies: [metrics], swiftSettings: settings),
        .target(
            name: "Consumers", dependencies: ["EventSourcing", "Postgres", "Telemetry", lifecycle, logging, metrics],
            swiftSettings: settings),
        .target(
            name: "EventStoreTesting",
            dependencies: ["Consumers", "EventSourcing", "LocalPostgres", "Postgres", logging],
            swiftSettings: settings),
        .target(
            name: "KafkaBridge",
            dependencies: [
                "Consumers", "EventSourcing", "Kafka", "Postgres", "Telemetry", logging, metrics,
            ],
            swiftSettings: settings),
        .systemLibrary(name: "CCompression", providers: [.apt(["zlib1g-dev", "liblz4-dev", "libzstd-dev"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .target(name: "CCRC32C"),
        .target(name: "CVersion", cSettings: [.define("GODWIT_COMMIT", to: commit)]),
        .target(
            name: "KafkaTestBroker",
            dependencies: [
                "CCompression", "CCRC32C", "COpenSSL",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                logging,
            ],
            swiftSettings: settings),
        .target(name: "LocalPostgres", swiftSettings: settings),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "YAML", dependencies: ["CYAML"], swiftSettings: boundary),
        .target(
            name: "Appliance",
            dependencies: [
                "Consumers", "DedicatedThread", "EventSourcing", "Kafka", "KafkaBridge", "KafkaTestBroker",
                "LocalPostgres", "Postgres", "Telemetry", lifecycle, logging, metrics, signals, "YAML",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "godwit",
            dependencies: [
                "Appliance", "CVersion", "Consumers", "EventSourcing", "KafkaBridge", "KafkaTestBroker",
                "LocalPostgres",
                "Postgres", arguments, logging, signals,
            ],
            swiftSettings: settings),

        .target(
            name: "TestSupport",
            dependencies: ["EventSourcing", "Kafka", "KafkaTestBroker", "LocalPostgres", "Postgres", logging],
            path: "Tests/TestSupport", swiftSettings: settings),
        .testTarget(
            name: "TelemetryTests", dependencies: ["Telemetry", metrics], swiftSettings: settings),
        .testTarget(
            name: "DedicatedThreadTests", dependencies: ["DedicatedThread", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "PostgresTests", dependencies: ["LocalPostgres", "Postgres", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "KafkaTests", dependencies: ["Kafka", "KafkaTestBroker", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "EventSourcingTests", dependencies: ["EventSourcing", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "ConsumersTests",
            dependencies: ["Consumers", "LocalPostgres", "Telemetry", "TestSupport", lifecycle, metrics],
            exclude: ["Fixtures"],
            swiftSettings: settings),
        .testTarget(
            name: "EventStoreTestingTests", dependencies: ["EventStoreTesting", "LocalPostgres", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "KafkaBridgeTests",
            dependencies: [
                "KafkaBridge", "KafkaTestBroker", "Telemetry", "TestSupport", metrics,
            ],
            swiftSettings: settings),
        // Everything that decides, in one process without I/O: histories by seed, with faults.
        .testTarget(
            name: "SimulationTests",
            dependencies: ["Consumers", "EventSourcing", "Kafka", "KafkaBridge", "Postgres", "TestSupport"],
            swiftSettings: settings),
        // A broker as a process of its own, for tests that kill it and for measuring it without the rest of Godwit.
        .executableTarget(
            name: "KafkaBrokerTool", dependencies: ["KafkaTestBroker", arguments], path: "Tests/KafkaBrokerTool",
            swiftSettings: settings),
        // Breaks everything around relays that run, and checks the account: `make torture`.
        .executableTarget(
            name: "Torture",
            dependencies: [
                "Kafka", "KafkaTestBroker", "LocalPostgres", "Postgres", "TestSupport", arguments, signals,
            ],
            path: "Tests/Torture", swiftSettings: settings),
        .testTarget(name: "TortureTests", dependencies: ["TestSupport", "Torture"], swiftSettings: settings),
        // Mechanical rules of style and layering, over the text of the sources.
        .testTarget(name: "TidyTests", swiftSettings: settings),
        // A projection over many events, handled one by one and by the batch.
        .executableTarget(
            name: "ProjectionBenchmark", dependencies: ["Consumers", "EventStoreTesting", "EventSourcing", "Postgres"],
            path: "Benchmarks/projection", swiftSettings: settings),
        .testTarget(
            name: "KafkaTestBrokerTests",
            dependencies: [
                "CCRC32C", "CLibRDKafka", "Kafka", "KafkaBrokerTool", "KafkaTestBroker", "TestSupport", logging,
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ],
            resources: [.copy("Conformance"), .copy("Fixtures")],
            swiftSettings: settings),
        .testTarget(
            name: "ApplianceTests",
            dependencies: [
                "Appliance", "Consumers", "EventSourcing", "Kafka", "KafkaBridge", "KafkaTestBroker", "LocalPostgres",
                "Postgres", "Telemetry", "TestSupport",
                "godwit",
                logging, metrics,
            ],
            resources: [.copy("Clients/eventsourcing_writer.py"), .copy("Clients/records.py")],
            swiftSettings: settings),
    ]
)

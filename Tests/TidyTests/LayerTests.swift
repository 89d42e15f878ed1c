import Testing

/// Which part may know which: modules, C, and SQL.
@Suite struct LayerTests {
    /// What each target may import of this package.
    static let modules: [String: Set<String>] = [
        "DedicatedThread": [], "YAML": [], "LocalPostgres": [], "Telemetry": [], "KafkaTestBroker": [],
        "Postgres": ["DedicatedThread"],
        "Kafka": ["DedicatedThread", "Telemetry"],
        "EventSourcing": ["Postgres"],
        "Consumers": ["EventSourcing", "Postgres", "Telemetry"],
        "EventStoreTesting": ["Consumers", "EventSourcing", "LocalPostgres", "Postgres"],
        "KafkaBridge": ["Consumers", "EventSourcing", "Kafka", "Postgres", "Telemetry"],
        "Appliance": [
            "Consumers", "DedicatedThread", "EventSourcing", "Kafka", "KafkaBridge", "KafkaTestBroker", "LocalPostgres",
            "Postgres", "Telemetry", "YAML",
        ],
        "godwit": [
            "Appliance", "Consumers", "EventSourcing", "KafkaBridge", "KafkaTestBroker", "LocalPostgres", "Postgres",
        ],
    ]

    /// Which C library belongs to whom.
    static let libraries: [String: Set<String>] = [
        "CLibPQ": ["Postgres"], "CLibRDKafka": ["Kafka"], "COpenSSL": ["Kafka", "Postgres", "KafkaTestBroker"],
        "CYAML": ["YAML"], "CCompression": ["KafkaTestBroker"], "CCRC32C": ["KafkaTestBroker"], "CVersion": ["godwit"],
    ]

    /// Files of `Kafka` outside of `Native/` that see librdkafka's types. The list may only shrink.
    static let outsideOfNative: Set<String> = [
        "Sources/Kafka/Administration/Admin+Metadata.swift", "Sources/Kafka/Administration/Admin+Requests.swift",
        "Sources/Kafka/Administration/Admin.swift", "Sources/Kafka/Errors/Classification.swift",
        "Sources/Kafka/Errors/KafkaError+Code.swift", "Sources/Kafka/Errors/KafkaError.swift",
        "Sources/Kafka/Reading/Reader.swift",
    ]

    /// What makes, runs and shows servers for development is not in the way of `godwit run`.
    static let ofDevelopment: Set<String> = ["KafkaTestBroker", "LocalPostgres"]
    static let development = ["Sources/Appliance/Development/", "Sources/Appliance/Demo/"]
    /// Names their errors for people.
    static let knowsServers: Set<String> = ["Sources/Appliance/Failure/Failure.swift"]

    static func imports(_ file: SourceTree.File) -> [(line: Int, module: String, isShown: Bool)] {
        file.lines.enumerated().compactMap { index, line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place < 3, words.count > place + 1 else { return nil }
            let levels: Set<Substring> = ["public", "package", "internal", "private"]
            guard words[..<place].allSatisfy({ $0.hasPrefix("@") || levels.contains($0) }) else { return nil }
            let name = words[place + 1].prefix { $0 != "." }
            return (index + 1, String(name), words.contains("public") || words.contains("package"))
        }
    }

    static func findings(in file: SourceTree.File) -> [Finding] {
        guard let allowed = modules[file.target] else {
            return [Finding(path: file.path, line: 1, text: "target \(file.target) has no line in the rule: add it")]
        }
        return imports(file).compactMap { line, module, isShown in
            func finding(_ text: String) -> Finding { Finding(path: file.path, line: line, text: text) }
            if let users = libraries[module] {
                if !users.contains(file.target) { return finding("\(module) belongs to \(users.sorted())") }
                if isShown { return finding("no C type leaves its target") }
                if module == "CLibRDKafka", !file.path.hasPrefix("Sources/Kafka/Native/"),
                    !outsideOfNative.contains(file.path)
                {
                    return finding("librdkafka's types belong into Sources/Kafka/Native")
                }
                return nil
            }
            // Where there is nothing else it is asked for behind a condition, indented.
            if module == "Foundation", file.lines[line - 1].first != " " {
                return finding("import FoundationEssentials: the rest takes tens of megabytes")
            }
            if modules[module] != nil, module != file.target, !allowed.contains(module) {
                return finding("\(file.target) may not import \(module)")
            }
            if file.target == "Appliance", ofDevelopment.contains(module), !knowsServers.contains(file.path),
                !development.contains(where: { file.path.hasPrefix($0) })
            {
                return finding("\(module) is for development; it is imported in \(development)")
            }
            return nil
        }
    }

    private static let sources = SourceTree.files(in: "Sources", ending: ".swift")

    @Test func `each target imports what it may, and C stays where it is wrapped`() {
        #expect(Self.sources.count > 500)
        let found = Self.sources.flatMap(Self.findings)
        #expect(found.isEmpty, "\(found.report)")
    }

    @Test func `what is excepted needs it`() {
        for path in Self.outsideOfNative {
            let file = SourceTree.file(path)
            #expect(file.map { Self.imports($0).contains { $0.module == "CLibRDKafka" } } == true, "\(path)")
        }
    }

    @Test(arguments: [
        ("Sources/Postgres/A.swift", "import Kafka"), ("Sources/Kafka/A.swift", "public import CLibRDKafka"),
        ("Sources/Kafka/Reading/A.swift", "internal import CLibRDKafka"),
        ("Sources/Consumers/A.swift", "import CLibPQ"),
        ("Sources/Consumers/A.swift", "import Foundation"),
        ("Sources/Appliance/Admin/A.swift", "import KafkaTestBroker"),
        ("Sources/Consumers/A.swift", "@preconcurrency import KafkaBridge"), ("Sources/New/A.swift", ""),
    ])
    func `an import that is not allowed is found`(_ path: String, _ line: String) {
        #expect(Self.findings(in: SourceTree.File(path, line)).count == 1)
    }

    // MARK: SQL

    static let sqlTargets: Set<String> = ["Postgres", "EventSourcing", "Consumers", "EventStoreTesting"]
    /// Files beside the tables' own that hold SQL, or words of it for people.
    static let sqlElsewhere: [String: Int] = [
        "Sources/KafkaBridge/Jobs/JobRunRecord.swift": 6,
        "Sources/KafkaBridge/Retention/Pruner.swift": 1,
        // What an operator is advised to type or to grant.
        "Sources/KafkaBridge/Retention/RetentionPlan.swift": 1,
        "Sources/Appliance/Diagnosis/RelayRights.swift": 1,
        "Sources/Appliance/Doctor/DatabaseVerdict.swift": 3,
        "Sources/godwit/DevCommand.swift": 2,
    ]

    private static let statements = [
        "SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE ", "ALTER TABLE ", "TRUNCATE ",
    ]

    static func statements(in file: SourceTree.File) -> [Finding] {
        if sqlTargets.contains(file.target) { return [] }
        if file.target == "KafkaBridge", file.path.split(separator: "/").last?.contains("Table") == true { return [] }
        return file.lines.enumerated().compactMap { index, line in
            let code = line.drop { $0 == " " }
            guard !code.hasPrefix("//") else { return nil }
            let isSQL = statements.contains { statement in
                guard let range = code.firstRange(of: statement) else { return false }
                return code[..<range.lowerBound].last.map { !$0.isLetter && $0 != "_" } ?? true
            }
            return isSQL ? Finding(path: file.path, line: index + 1, text: "SQL belongs into a table's own file") : nil
        }
    }

    @Test func `SQL is where tables are`() {
        let found = Self.sources.flatMap(Self.statements).beyond(Self.sqlElsewhere)
        #expect(found.isEmpty, "\(found.report)")
    }

    @Test func `SQL elsewhere is found`() {
        let text = "let text = \"\"\"\n    SELECT 1 FROM events\n    \"\"\"\n// SELECT a comment"
        #expect(Self.statements(in: SourceTree.File("Sources/Appliance/A.swift", text)).map(\.line) == [2])
        #expect(Self.statements(in: SourceTree.File("Sources/KafkaBridge/A/JobsTable+B.swift", text)).isEmpty)
    }
}

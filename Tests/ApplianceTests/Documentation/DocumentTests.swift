import FoundationEssentials
import LocalPostgres
import TestSupport
import Testing

@testable import Appliance

/// Every page of the documentation: what it asks a reader to type is typed, in its order, on servers of its own.
@Suite(.serialized) struct DocumentTests {
    private static let tested: Set<String> = ["sh", "yaml", "sql"]
    private static let runnable = Document.all.filter { $0.blocks.contains { tested.contains($0.language) } }

    @Test(.timeLimit(.minutes(5)), arguments: runnable)
    func `every command of a page works, in the page's order`(_ document: Document) async throws {
        let cluster = try await LocalPostgres.start()
        try await TestKafka.withBroker { kafka, _ in
            let folder = cluster.folder + "/page"
            try FileManager.default.createDirectory(atPath: folder + "/secrets", withIntermediateDirectories: true)
            let script = DocumentScript.text(
                of: document,
                replacing: [
                    ("postgres://relay@localhost:5432/app", cluster.url),
                    ("localhost:9092", kafka.bootstrapServers),
                    ("127.0.0.1:9464", "127.0.0.1:\(try LoopbackPort.free())"),
                    ("/run/secrets", folder + "/secrets"),
                ])
            for secret in ["database-password", "kafka-password", "database-ca.pem", "kafka-ca.pem"] {
                try Data("secret".utf8).write(to: URL(filePath: "\(folder)/secrets/\(secret)"))
            }
            // A file, since what the page runs may read its standard input.
            try Data(script.utf8).write(to: URL(filePath: folder + "/page.sh"))
            let result = try await Command(
                "/usr/bin/env", ["-C", folder, "bash", "page.sh"],
                environment: [
                    "PAGE_PROGRAM": Command.godwit().program, "PAGE_ROOT": Document.root.path,
                    "DATABASE_URL": cluster.url, "PGOPTIONS": "-c client_min_messages=warning",
                ]
            ).run()
            #expect(result.exitCode == 0, "\(result.standardOutput)\n\(result.standardError)")
        }
        await cluster.stop()
    }

    @Test func `every block is run, checked, or for another machine's programs`() throws {
        let others: Set<String> = ["docker", "kubectl", "sudo", "journalctl"]
        for document in Document.all {
            for block in document.blocks {
                let place = Comment(rawValue: "\(document.path):\(block.line)")
                if let elsewhere = block.elsewhere {
                    #expect(block.language == "sh", place)
                    #expect(block.programs == Set(elsewhere) && others.isSuperset(of: elsewhere), place)
                } else {
                    // Text is what a program prints, mermaid a drawing.
                    #expect(Self.tested.union(["swift", "text", "mermaid"]).contains(block.language), place)
                }
            }
        }
    }

    @Test func `the configurations of the containers are right`() throws {
        let token = ["GODWIT_ADMIN_TOKEN": "t"]
        #expect(ConfigurationFileTests.problems(try Document.text("docker/godwit.yaml"), environment: token).isEmpty)
        let secrets = ["database-password", "kafka-password", "admin-token"].map { ("/run/secrets/godwit/\($0)", "s") }
        let problems = ConfigurationFileTests.problems(
            try Document.text("docker/kubernetes/configuration.yaml"), files: Dictionary(uniqueKeysWithValues: secrets))
        #expect(problems.isEmpty, "\(problems)")
    }

    @Test func `every Swift block is compiled: it is in a test's file, or is one of its page's package`() throws {
        let folders = ["Tests/ApplianceTests/Documentation", "Tests/ConsumersTests/Example"]
        let sources = try folders.flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: Document.root.appending(path: folder).path)
                .filter { $0.hasSuffix(".swift") }.map { try Document.text("\(folder)/\($0)") }
        }
        for document in Document.all {
            for block in document.blocks where block.language == "swift" {
                // See ``PackagePageTests``.
                if DocumentPackage.path(of: block) != nil, document.path.hasSuffix("/UseItInYourPackage.md") {
                    continue
                }
                #expect(sources.contains { $0.contains(block.content) }, "\(document.path):\(block.line)")
            }
        }
    }
}

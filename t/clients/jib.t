# SPDX-License-Identifier: Apache-2.0

# jib (Maven): Java classes pushed without a container engine.

use OCI::Clients;

my $mvn = system_tool('mvn');
my $settings = -e "$ENV{HOME}/.m2/settings.xml" && "$ENV{HOME}/.m2/settings.xml";
my $cache = ($ENV{MOD_OCI_CACHE}
    || ($ENV{XDG_CACHE_HOME} || "$ENV{HOME}/.cache") . '/mod_oci') . '/maven';
my $registry = registry();
my $dir = scratch();
my $image = $registry->host . '/tools/jib';

mkdir "$dir/$_" for qw(src src/main src/main/java);
spew("$dir/src/main/java/Hello.java", <<'END');
public class Hello {
    public static void main(String[] arguments) {
        System.out.println("hello");
    }
}
END
spew("$dir/pom.xml", <<'END');
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test</groupId>
  <artifactId>hello</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.source>17</maven.compiler.source>
    <maven.compiler.target>17</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
</project>
END

# Maven downloads the plugin once, from its central repository.
sub fetched { -e "$cache/com/google/cloud/tools/jib-maven-plugin/3.5.2" }

sub build {
    my ($from, $to) = @_;
    return ({ in => $dir }, $mvn, '-q', '-B', $settings ? ('-s', $settings) : (),
        "-Dmaven.repo.local=$cache", "-Duser.home=$dir", 'compile',
        'com.google.cloud.tools:jib-maven-plugin:3.5.2:build',
        "-Djib.from.image=$from", "-Djib.to.image=$to",
        '-Djib.allowInsecureRegistries=true', '-Djib.container.mainClass=Hello',
        '-DsendCredentialsOverHttp=true', "-Djib.baseImageCache=$dir/base",
        "-Djib.applicationCache=$dir/application");
}

if (!fetched() && (run(build('scratch', "$image:0")))[0] && !fetched()) {
    plan(skip_all => 'jib cannot be downloaded from Maven Central');
}
run_ok('from scratch', build('scratch', "$image:1"));
my $document = verify_ok($registry, 'tools/jib', 1);
cmp_ok(scalar @{ $document->{layers} }, '>=', 1, 'layers');
run_ok('on top of the first image', build("$image:1", "$image:2"));
my $second = verify_ok($registry, 'tools/jib', 2);
is($second->{layers}[0]{digest}, $document->{layers}[0]{digest},
    'with the same base layer');

$registry->stop;
done_testing;

# SPDX-License-Identifier: Apache-2.0

# Mistakes that httpd's syntax allows: "httpd -t" and the start report each with
# its file and line.  Similar lines that are right are not reported.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Auth;

plan skip_all => 'needs root, or User in the configuration' if $>;

my $tmp = File::Temp->newdir(TMPDIR => 1);
chmod 0755, "$tmp";
mkdir "$tmp/store";
give_to_httpd("$tmp/store");
open my $file, '>', "$tmp/key" or die "$tmp/key: $!";
print $file 'secret:', '0123456789abcdef' x 4, "\n";
close $file;
chmod 0600, "$tmp/key";

my @modules = qw(auth_basic authn_core authn_file authz_user authz_groupfile
    authz_host dbd);

# A section for paths.
sub at {
    my ($path, @lines) = @_;
    return join "\n", "<Location \"$path\">", @lines, '</Location>', '';
}

my @registry = ('SetHandler oci-registry', "OCIBlobStore fs $tmp/store");
my $open = 'Require all granted';
my $login = "AuthType Basic\nAuthName x\nAuthUserFile $tmp/passwd";

sub configtest {
    my ($text) = @_;
    return OCI::Server->configtest(modules => \@modules, location => '',
        after => $text);
}

# A mistake that is refused.
sub is_error {
    my ($text, $message, $name) = @_;
    my $run = configtest($text);
    isnt($run->{status}, 0, "$name is refused");
    like($run->{output}, qr{line \d+ of \S+/httpd\.conf:\n$message},
        'the message');
    return;
}

# A mistake with one warning.
sub is_warning {
    my ($text, $message, $name) = @_;
    my $run = configtest($text);
    is($run->{status}, 0, "$name is a warning");
    my @warnings = grep { !/Syntax OK/ } split /\n/, $run->{output};
    is(scalar @warnings, 1, 'one line');
    like($run->{output},
        qr{oci:warn\].*oci: \S+/httpd\.conf line \d+: $message},
        'the message');
    return;
}

sub is_right {
    my ($text, $name) = @_;
    my $run = configtest($text);
    is("$run->{status} $run->{output}", "0 Syntax OK\n", "right: $name");
    return;
}

my $twice = 'this section already has OCIBlobStore, at \S+ line \d+; remove';
is_error(at('/v2/', @registry, "OCIBlobStore fs $tmp/other", $open),
    "OCIBlobStore: $twice", 'OCIBlobStore twice in one section');
is_error("OCIBlobStore fs $tmp/store\nOCIBlobStore fs $tmp/other\n",
    "OCIBlobStore: $twice", 'OCIBlobStore twice outside of sections');
is_error(at('/v2/', @registry, ("OCIIndex fs $tmp/store") x 2, $open),
    'OCIIndex: this section already has OCIIndex', 'OCIIndex twice');
is_right("OCIBlobStore fs $tmp/store\n"
    . at('/v2/', @registry, $open) . at('/v2/', "OCIBlobStore fs $tmp/store"),
    'one OCIBlobStore in each section');

my $none = 'has no effect, because its section has';
is_warning(at('/v2/', "OCIBlobStore fs $tmp/store", $open),
    qr/OCIBlobStore $none no SetHandler; add "SetHandler oci-registry"/,
    'no SetHandler');
is_warning(at('/v2/', 'SetHandler ociregistry', "OCIBlobStore fs $tmp/store",
        'OCISync Off', $open),
    qr/OCIBlobStore $none the handler "ociregistry"; add "SetHandler/,
    'another handler');
my $unknown = qr/unknown handler "oci-\w+"; write oci-registry, oci-token,/;
is_warning(at('/v2/', 'SetHandler oci-regsitry', "OCIBlobStore fs $tmp/store",
        'OCISync Off', $open), $unknown, 'a misspelt handler');
is_warning("OCIBlobStore fs $tmp/store\n"
    . at('/v2/', 'SetHandler oci-registy', $open), $unknown,
    'a misspelt handler with the store outside of its section');
is_warning(at('/v2/', @registry, $open) . at('/other/', 'OCIReadOnly On'),
    qr/OCIReadOnly $none no SetHandler/, 'a handler in another section');
is_right("SetHandler oci-registry\n"
    . at('/v2/', "OCIBlobStore fs $tmp/store", $open),
    'a handler outside of the section');
is_right(at('/v2/', @registry, $open) . at('/v2/a/', 'OCIReadOnly On'),
    'a handler for a longer path');
is_right(at('/v2/', "OCIBlobStore fs $tmp/store", $open)
    . "<LocationMatch \"^/v2/\">\nSetHandler oci-registry\n</LocationMatch>\n",
    'a handler in a LocationMatch');
is_right(at('/v2/', @registry, $open)
    . "<LocationMatch \"^/v2/a/\">\nOCIReadOnly On\n</LocationMatch>\n",
    'a directive in a LocationMatch');
is_right(at('/v2/', @registry, $open, '<If "true">', 'OCIReadOnly On', '</If>'),
    'a directive in an If');

my $path = 'no client can use the registry at';
is_warning(at($_, @registry, $open), qr{$path $_, because all paths of a},
    "a registry at $_")
    for qw(/registry/v2/ /v2x /v1/ /v);
is_warning(at('v2/', @registry, 'Require valid-user', $login),
    qr{$path v2/, because all paths of a registry begin with /v2/; use},
    'a path without its slash');
is_right(at($_, @registry, $open), "a registry at $_")
    for qw(/ /v2 /v2/ /v2/team/ /*/);

for my $section ('<Directory "/v2/">', '<DirectoryMatch "^/v2/">',
    '<Files "v2">') {
    my ($word) = $section =~ /^<(\w+)/;
    is_warning("$section\n@{[ join qq{\n}, @registry, $open ]}\n</$word>\n",
        qr/SetHandler has no effect in a <$word> section, because the paths/,
        "a registry in $section");
}

my $never = qr/Require oci: '\S+' can never match: /;
is_error(at('/v2/', @registry, "Require oci pull $_"), $never,
    "the repository $_")
    for qw(Team/** team/Web /team/** team/ team//web %{REMOTE_USER}/ team/a@b
           team/%{REMOTE_USER}/X*);
is_error(at('/v2/', @registry, '<RequireAll>', $open, 'Require not oci * Team',
    '</RequireAll>'), $never, 'a refusal that never applies');
is_right(at('/v2/', @registry, "Require oci pull $_"), "the repository $_")
    for qw(team/** ** * team-1_x.y/*-ci %{env:OCI_CLAIM_X}
           home/%{REMOTE_USER}/** a/%{tolower:%{REMOTE_USER}} a\\\\*);

# Tokens.
my @key = ('OCIToken On', "OCITokenKey $tmp/key");
my @token = ('SetHandler oci-token', $open);
is_warning(at('/v2/', @registry, @key, $open),
    qr/OCIToken is On, but nothing issues tokens to clients: add a Location/,
    'OCIToken On without an endpoint');
is_right(at('/v2/', @registry, @key, "OCITokenRealm https://a.example/token",
    $open), 'an endpoint elsewhere');
is_right(join("\n", @key, '') . at('/v2/', @registry, $open)
    . at('/token', @token), 'an endpoint');
is_right(at('/v2/', @registry, @key, $open)
    . at('/token', 'SetHandler cgi-script'), 'an endpoint of something else');
my $issues_none = 'SetHandler oci-token issues no tokens';
is_warning(at('/v2/', @registry, @key, $open)
    . at('/token', 'OCIToken On', @token),
    qr/$issues_none, because the OCITokenKey at \S+ line \d+ applies only to /,
    'a key that only /v2/ sees');
is_warning(at('/v2/', @registry, @key, $open) . at('/token', @token),
    qr/$issues_none, because the OCIToken at \S+ line \d+ and the OCITokenKey at /,
    'tokens that only /v2/ sees');
is_warning("OCITokenKey $tmp/key\n" . at('/v2/', @registry, 'OCIToken On', $open)
    . at('/token', @token), qr/$issues_none, because the OCIToken at \S+ line \d+ a/,
    'OCIToken On that only /v2/ sees');
is_warning(at('/v2/', @registry, 'OCIToken On', $open)
    . at('/token', @key, @token),
    qr/SetHandler oci-registry answers 500, because the OCITokenKey at/,
    'a key that only /token sees');
is_right(at('/v2/', @registry, @key, $open) . at('/token', @key, @token),
    'a key in both');
is_right(at('/v2/', @registry, $open) . at('/token', @key, @token),
    'tokens for another registry');
open $file, '>', "$tmp/other" or die "$tmp/other: $!";
print $file 'secret:', 'fedcba9876543210' x 4, "\n";
close $file;
chmod 0600, "$tmp/other";
my @other = ('OCIToken On', "OCITokenKey $tmp/other");
is_warning(at('/v2/', @registry, @key, $open) . at('/token', @other, @token),
    qr/this registry refuses the tokens of the SetHandler oci-token at \S+ line /,
    'another key at /token');
is_right(at('/v2/', @registry, @key, 'OCITokenRealm https://a.example/token',
    $open) . at('/token', @other, @token), 'another key, and another realm');
link "$tmp/key", "$tmp/key2";
is_right(at('/v2/', @registry, @key, $open)
    . at('/token', 'OCIToken On', "OCITokenKey $tmp/key2", @token),
    'one key in two files');
SKIP: {
    skip 'openssl cannot make a key', 1 if !OCI::Auth::make_key("$tmp/ec", 'ec');
    chmod 0600, "$tmp/ec";
    is_right(at('/v2/', @registry, 'OCIToken On', 'OCITokenService a',
        "OCITokenKey $tmp/ec.pub", $open) . at('/token', 'OCIToken On',
        "OCITokenKey $tmp/ec", @token), 'a public key at /v2/');
}
chmod 0644, "$tmp/key";
is_warning(join("\n", @key, '') . at('/v2/', @registry, $open)
    . at('/token', @token),
    qr/OCITokenKey: every user of this machine can read the secrets in \S+key;/,
    'a key that every user can read');
chmod 0640, "$tmp/key";
is_right(join("\n", @key, '') . at('/v2/', @registry, $open)
    . at('/token', @token), 'a key that a group can read');

# Virtual hosts.
sub host {
    my ($name, @lines) = @_;
    return join "\n", '<VirtualHost *>', "ServerName $name", @lines,
        '</VirtualHost>', '';
}
is_warning(host('a', at('/v2/', @registry, @key, $open))
    . host('b', @key, at('/token', @token)),
    qr/OCIToken is On, but nothing issues tokens to clients: add a Location/,
    'an endpoint in another host');
is_right(host('a', at('/v2/', @registry, @key, $open)) . at('/token', @key,
    @token), 'an endpoint that the host inherits');
is_warning(host('a', at('/v2/', @registry, $open))
    . host('b', at('/v2/', @registry, "OCIIndex fs $tmp/index", $open)),
    qr{the blob store $tmp/store has the index .* line \d+, so clients see diff},
    'two indexes for one blob store');
is_right(host('a', at('/v2/', @registry, $open))
    . host('b', at('/v2/', @registry, $open)), 'one store for two hosts');

# Two indexes in databases: what is not certain is not reported.
sub two {
    my ($index, $other, @lines) = @_;
    return host('a', @lines, at('/v2/', @registry, "OCIIndex $index", $open))
        . host('b', at('/v2/', @registry, "OCIIndex $other", $open));
}
my $pgsql = 'dbd:pgsql "host=127.0.0.1 password=hidden dbname=a"';
my $differ = qr{the blob store $tmp/store has the index};
is_warning(two($pgsql, $pgsql =~ s/=a"/=b"/r),
    qr{$differ dbd:pgsql dbname=a here and the index dbd:pgsql dbname=b at },
    'two databases of PostgreSQL');
is_warning(two($pgsql, "fs $tmp/store"),
    qr{$differ dbd:pgsql dbname=a here and the index $tmp/store/index at },
    'a database and files');
is_warning(two('dbd', $pgsql, 'DBDriver pgsql',
        'DBDParams "host=127.0.0.1 dbname=c"'),
    qr{$differ dbd:pgsql dbname=c here and the index dbd:pgsql dbname=a at },
    'the database of mod_dbd and another one');
is_warning(two('dbd', "dbd:sqlite3 $tmp/store/b", 'DBDriver sqlite3',
        "DBDParams $tmp/store/a"),
    qr{$differ $tmp/store/a here and the index $tmp/store/b at },
    'two SQLite files');
is_right(two('dbd', $pgsql, 'DBDriver pgsql',
        'DBDParams "host=127.0.0.1 dbname=a"'),
    'the database of mod_dbd, which is the same');
is_right(two($pgsql, $_), "perhaps the same database: $_") for
    'dbd:pgsql "dbname=a password=hidden host=127.0.0.1"',
    q{dbd:pgsql "host=127.0.0.1 dbname='b'"}, 'dbd:pgsql host=127.0.0.1',
    'dbd:pgsql postgresql://127.0.0.1/b', 'dbd:pgsql "dbname=b dbname=a"',
    'dbd:pgsql "host=127.0.0.1 dbname=B"', 'dbd:pgsql password=x,dbname=b';
symlink "$tmp/store", "$tmp/link";
mkdir "$tmp/store/index";
give_to_httpd("$tmp/store");
is_right(host('a', at('/v2/', @registry, $open)) . host('b', at('/v2/',
        'SetHandler oci-registry', "OCIBlobStore fs $tmp/link", $open)),
    'one store with two names');
is_right(host('a', at('/v2/', @registry, $open)) . host('b', at('/v2/',
        @registry, "OCIIndex fs $tmp/index", 'OCIReadOnly On', $open)),
    'a second index that is only read');

is_right(host('a', at('/v2/', @registry, "OCIIndex fs $tmp/index", $open))
    . host('b', at('/v2/', @registry, $open), at('/v2/',
        "OCIIndex fs $tmp/index")), 'one index, in another section');

sub dbd {
    my ($server) = @_;
    my $host = at('/v2/', @registry, 'OCIIndex dbd', $open);
    return (modules => \@modules, location => $open,
        after => host('a', 'DBDriver sqlite3', "DBDParams $tmp/db")
            . host('b', $server, $host));
}
for my $case (
    [ '', 'dbd uses the database that DBDriver names, but neither the server '
        . 'at \S+ line \d+ nor the main server has DBDriver; add' ],
    [ 'DBDriver sqlite3', 'DBDParams is missing: add it, with the full path' ],
    [ "DBDriver sqlite3\nDBDParams db/facts", 'DBDParams \'db/facts\' is not '
        . 'an absolute path: write the full path of the database file' ]) {
    my ($lines, $message) = @$case;
    my $run = OCI::Server->configtest(dbd($lines));
    is($run->{status}, 1, "httpd -t: OCIIndex dbd with \"$lines\"");
    like($run->{output}, qr/line \d+: OCIIndex: $message/, 'the message');
    like(OCI::Server->refuses(dbd($lines)), qr/OCIIndex: $message/,
        'the start');
}

# Access control.
sub alone { return OCI::Server->configtest(modules => \@modules,
    location => join "\n", @registry, @_) }
my $world = qr/oci:warn\].* line \d+: every client may push to this registry/;
like(alone()->{output}, $world, 'no Require line');
like(configtest(at('/metrics', 'SetHandler oci-metrics'))->{output},
    qr/oci:warn\].* line \d+: every client may read these metrics/, 'of metrics');
is(configtest($_)->{output}, "Syntax OK\n", "no warning: $_")
    for at('/health', 'SetHandler oci-health'),
    at('/metrics', 'SetHandler oci-metrics', 'Require local'),
    at('/metrics', 'SetHandler oci-metrics', $open);
like(alone($login)->{output}, $world, 'no Require line, but a login');
is(alone($_)->{output}, "Syntax OK\n", "no warning: $_") for 'OCIReadOnly On',
    $open, 'Require ip 127.0.0.1', "<RequireAny>\n$open\n</RequireAny>",
    "<Limit GET>\n$open\n</Limit>", "<If \"true\">\n$open\n</If>";
is(OCI::Server->configtest(location => join("\n", @registry),
        extra => at('/', $open))->{output}, "Syntax OK\n",
    'no warning: Require in an outer section');
like(OCI::Server->configtest(location => join("\n", @registry),
        extra => "<Directory />\nRequire all denied\n</Directory>")->{output},
    $world, 'Require in a section for files');

is_warning(at('/v2/', @registry, 'Require valid-user'),
    qr/"Require valid-user" allows nobody, because nobody can log in; add/,
    'Require valid-user without AuthType');
is_warning(at('/v2/', @registry, "Require $_"),
    qr/"Require $_" allows nobody, because nobody can log in; add/,
    "Require $_ without AuthType") for 'group x';
is_warning(at('/v2/', @registry, 'Require valid-user')
    . at('/v2/a/', 'SetHandler oci-registry'),
    qr/"Require valid-user" allows nobody, because nobody can log in; add/,
    'Require valid-user for two handlers');
is_right(at('/v2/', @registry, $login, 'Require valid-user'), 'with AuthType');
is_right(at('/', $login) . at('/v2/', @registry, 'Require valid-user'),
    'with AuthType in an outer section');
is_right(join("\n", @key, '') . at('/token', @token)
    . at('/v2/', @registry, 'Require valid-user'), 'with tokens');

my $push = qr/most clients cannot push without the right to pull, because they/;
is_warning(at('/v2/', @registry, 'Require oci push ci/**'), $push,
    'push without pull');
is_warning(at('/v2/', @registry, $login, '<RequireAll>', 'Require valid-user',
    'Require oci push,delete ci/**', '</RequireAll>'), $push,
    'push without pull for users');
is_right(at('/v2/', @registry, $login, @$_), join ' ', @$_) for
    ['Require oci pull,push ci/**'], ['Require oci * ci/**'],
    ['Require oci push ci/**', 'Require oci pull **'],
    ['Require oci push ci/**', 'Require user admin'],
    ['Require oci push ci/**', '<RequireAll>', 'Require oci pull **',
        'Require valid-user', '</RequireAll>'],
    ['<Limit POST PUT PATCH>', 'Require oci push ci/**', '</Limit>'],
    ['<RequireAll>', $open, 'Require not oci push ci/**', '</RequireAll>'];

# A server that starts logs a warning once.
my $server = OCI::Server->start(location => join "\n", @registry,
    'Require oci push ci/**');
my @lines = $server->log =~ /push without the right to pull/g;
is(scalar @lines, 1, 'one warning when the server starts');
$server->expects($push);
$server->stop;

done_testing;

# SPDX-License-Identifier: Apache-2.0

# Mistakes in the configuration of a bucket.  "httpd -t" and the start name the
# line, and say what is wrong, what was expected, and what to do.  No S3 server
# is asked.

use OCI::Test;

use File::Temp ();
use OCI::Admin;
use OCI::Certificates;
use OCI::S3::Registry;
use POSIX ();

plan skip_all => 'needs root, or User in the configuration' if $>;

my $module = OCI::Server::build_of(OCI::Server->sanitized)
    . '/.libs/mod_oci_s3.so';
plan(skip_all => 'mod_oci_s3 is not built: there is no libcurl')
    if !-e $module;

my $tmp = File::Temp->newdir('mod_oci-XXXXXX', TMPDIR => 1);
chmod 0755, "$tmp";
my $file = "$tmp/keys";
my $keys = OCI::Blobs::credentials({ key => 'AKIATEST', secret => 'secret' });

sub write_keys {
    OCI::Server::spew($file, $_[0] // $keys);
    give_to_httpd($file);
    chmod 0400, $file;
    return;
}

my @registry = ('<Location "/v2/">', 'SetHandler oci-registry',
    'OCIBlobStore s3 s3://registry/p', 'OCIRedirect Off',
    'Require all granted', '</Location>');
my $index = 'OCIIndex fs @STORE@';

# Options of OCI::Server: these lines, and a registry.
sub with {
    return (location => '', extra => "LoadModule oci_s3_module $module\n"
        . 'OCIS3Endpoint http://127.0.0.1:9', dir => "$tmp/server",
        after => join "\n", @_);
}

sub fresh { system 'rm', '-rf', "$tmp/server"; mkdir "$tmp/server"; return }

# The number of the first line that begins with a word.
sub line_of {
    my $word = shift;
    my @lines = split /\n/, OCI::Server::slurp("$tmp/server/httpd.conf");
    my ($found) = grep { $lines[$_] =~ /^\Q$word\E(?:\s|\z)/ } 0 .. $#lines;
    return $found + 1;
}

# Tests: both refuse these lines, and name the line that begins with a word.
sub is_refused {
    my ($word, $message, @lines) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    fresh();
    my $run = OCI::Server->configtest(with(@lines));
    isnt($run->{status}, 0, "refused: $message");
    my $line = line_of($word);
    my $place = qr{line\ $line(?:\ of\ \S+httpd\.conf:\n|:\ )}x;
    like($run->{output}, qr/$place$message/, 'httpd -t says why, and where');
    fresh();
    like(OCI::Server->refuses(with(@lines)), qr/$place$message/,
        'so does the start');
    return;
}

sub is_right {
    my ($name, @lines) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    fresh();
    my $run = OCI::Server->configtest(with(@lines));
    return is("$run->{status} $run->{output}", "0 Syntax OK\n", $name);
}

# ---- a blob store without an index

write_keys();
my $from = "OCIS3Credentials file $file";
is_right('OCIIndex outside of the section', $from, $index, @registry);
is_right('OCIIndex in the section', $from, @registry[ 0 .. 4 ], $index,
    '</Location>');
is_right('OCIIndex in another section that may apply', $from, @registry,
    '<Location "/v2/a/">', $index, '</Location>');
is_refused('OCIBlobStore', qr{OCIBlobStore:\ the\ blob\ store
    \ s3://registry/p\ has\ no\ index:\ add\ OCIIndex\ to\ its\ section}x,
    $from, @registry);
is_refused('OCIBlobStore', qr/OCIBlobStore: .* has no index: add OCIIndex/,
    $from, @registry, '<Location "/other/">', $index, '</Location>');

fresh();
my $server = OCI::Server->start(with($from, $index, @registry));
my $client = OCI::Client->new($server);
status_is($client->get('/v2/'), 200, 'with an index');
$server->set(with($from, @registry));
$server->expects(qr/error.*has no index: .*; requests that need it get 503/);
$server->graceful;
error_is($client->get('/v2/a/tags/list'), 503, 'UNAVAILABLE',
    qr/no configured storage/, 'a reload without one');
$server->stop('httpd goes on');

# ---- values

my %wrong = (
    OCIS3Endpoint       => [ 'x', q('x' is not a valid URL of a server: ) ],
    OCIS3PublicEndpoint => [ 'ftp://x', q('ftp://x' is not a valid URL of a) ],
    OCIS3Region         => [ 'a/b', q('a/b' is not a valid region: expected) ],
    OCIS3Credentials    => [ 'none', q('none' is not a valid source of cred) ],
    OCIS3PathStyle      => [ 'yes', q('yes' is not a valid value: expected) ],
    OCIS3CAFile         => [ '""', 'takes one argument, a file with the ' ],
    OCIS3PartSize       => [ '3',
        q('3' is not a valid size: expected a number of bytes from 5M to 5G) ],
    OCIS3MaxBlob        => [ '9X', q('9X' is not a valid size: expected ) ],
    OCIS3Memory         => [ 'x', q('x' is not a valid size: expected a num) ],
    OCIS3Encryption     => [ 'On', q('On' is not a valid encryption: expec) ],
    OCIS3Checksums      => [ 'sha', q('sha' is not a valid value: expected) ],
    OCIS3RedirectExpiry => [ '1', q('1' is not a valid time: expected 60 to) ],
    OCIS3Timeout        => [ '0', q('0' is not a valid time: expected 1 to) ],
);
my $source = OCI::Server::slurp("$OCI::Server::TOP/src/s3/mod_oci_s3.c");
is_deeply([ sort keys %wrong ], [ sort $source =~ /AP_INIT_\w+\("(\w+)"/g ],
    'every directive is tested');
for my $name (sort keys %wrong) {
    my ($argument, $message) = @{ $wrong{$name} };
    is_refused("$name $argument", qr/$name:? \Q$message\E/,
        "$name $argument", $index, @registry);
}

# ---- sizes that do not fit together

is_refused('OCIS3Memory', qr/OCIS3Memory:\ 6291456\ bytes\ are\ too\ few\ for
    \ a\ part:\ expected\ 16777216\ bytes/x,
    $from, 'OCIS3Memory 6M', $index, @registry);
my $said = () = OCI::Server->configtest(with($from, 'OCIS3Memory 6M', $index,
    @registry, '<VirtualHost 127.0.0.1:9>', '</VirtualHost>'))->{output}
    =~ /OCIS3Memory:/g;
is($said, 1, 'once, if a virtual host inherits it');
is_refused('OCIS3MaxBlob', qr/OCIS3MaxBlob:\ 64424509440\ bytes\ are\ more\ than
    \ 10000\ parts\ of\ 5242880\ bytes:\ set\ OCIS3PartSize\ 7M\ or\ more/x,
    $from, 'OCIS3PartSize 5M', 'OCIS3MaxBlob 60G', $index, @registry);
is_refused('OCIS3MaxBlob', qr/OCIS3MaxBlob: \d+ .* an object can have: expected/,
    $from, 'OCIS3MaxBlob 60T', $index, @registry);
my @host = ('<VirtualHost 127.0.0.1:9>', $index, @registry);
is_refused('OCIS3Memory', qr/OCIS3Memory: 6291456 bytes are too few for a part/,
    $from, 'OCIS3Memory 6M', @host, 'OCIS3PartSize 7M', '</VirtualHost>');
is_right('sizes that fit in the virtual host that has the store', $from,
    'OCIS3Memory 6M', @host, 'OCIS3PartSize 5M', '</VirtualHost>');

# ---- files of credentials

my $problem = 'OCIS3Credentials: the credentials file';
sub file_is_refused {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_refused('OCIS3Credentials', $_[0], $from, $index, @registry);
}

unlink $file;
file_is_refused(qr/$problem \Q$file\E does not exist: create it, or name/);
mkdir $file;
file_is_refused(qr/$problem \Q$file\E is not a regular file/);
rmdir $file;
POSIX::mkfifo($file, 0666);
file_is_refused(qr/$problem \Q$file\E is not a regular file/);
unlink $file;
for my $text ('', "no ini file\n", '{ "key": "AKIATEST" }',
    $keys =~ s/default/other/r) {
    write_keys($text);
    my $what = 'has no access key for the profile .default.: expected the line';
    file_is_refused(qr/$problem \Q$file\E $what "\[default\]"/);
}
write_keys($keys =~ s/.*secret.*\n//r);
my $what = 'is not complete: expected aws_access_key_id and aws_secret_access';
file_is_refused(qr/OCIS3Credentials: the profile 'default' .*\Q$file\E $what/);

# Bytes that editors and shells add.
my %text = (
    "\xef\xbb\xbf$keys" => 'it begins with a byte order mark: save it without',
    "\xff\xfe" . $keys =~ s/(.)/$1\0/gsr => 'it is in UTF-16: save it in UTF-8',
    $keys =~ s/AKIA/AK\0IA/r =>
        'it has a NUL byte in line 2: expected a text file',
);
for my $text (sort keys %text) {
    write_keys($text);
    file_is_refused(qr/$problem \Q$file\E cannot be read: $text{$text}/);
}
my %value = (
    '"AKIATEST"'        => 'the character " at position 1',
    q('AKIATEST')       => q(the character ' at position 1),
    'AKIATEST # mine'   => 'a blank at position 9',
    "AKIA\xc2\xa0TEST"  => 'the byte 0xc2 at position 5',
    "AKIA\tTEST"        => 'the byte 0x09 at position 5',
    'AKIATEST,AKIAMORE' => 'the character , at position 9',
);
for my $value (sort keys %value) {
    write_keys($keys =~ s/AKIATEST/$value/r);
    my $what = "is not valid: aws_access_key_id has $value{$value}; expected the";
    file_is_refused(qr/OCIS3Credentials: the profile .* \Q$file\E \Q$what\E/);
}
write_keys("${keys}aws_session_token = \"a b\"\n");
file_is_refused(qr/.* is not valid: aws_session_token has a blank at position 3/);
write_keys("${keys}aws_session_token =\n");
file_is_refused(qr/.* is not complete: aws_session_token has no value; expected/);
write_keys($keys =~ s/AKIATEST/account:user_1/r);
is_right('a key that another server made', $from, $index, @registry);

write_keys($keys =~ s/default/other/r);
is_right('a profile that is there', "$from other", $index, @registry);
is_right('credentials from elsewhere', 'OCIS3Credentials environment', $index,
    @registry);

# ---- a file that httpd's User cannot read

my $user = OCI::Server::user();

# Tests: there is one warning.
sub is_warning {
    my ($message, $name) = @_;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    fresh();
    my @lines = ($from, $index, @registry);
    my $run = OCI::Server->configtest(with(@lines));
    is($run->{status}, 0, "$name is a warning");
    my $line = line_of('OCIS3Credentials');
    my $warning = qr/:warn\].*line $line: OCIS3Credentials: $message/;
    like($run->{output}, qr/\A.*$warning.*\nSyntax OK\n\z/, 'httpd -t warns');
    fresh();
    my $server = OCI::Server->start(with(@lines));
    is(scalar(() = $server->log =~ /$warning/g), 1, 'the start warns once');
    $server->allows($warning);
    $server->stop("$name: httpd starts");
    return;
}

write_keys();
chown 0, 0, $file;
is_warning(qr/the user $user cannot read \Q$file\E, .*: run "chown $user \Q$file/,
    'a file of another user');
mkdir "$tmp/closed", 0700;
rename $file, "$tmp/closed/keys" or die "$tmp/closed: $!\n";
$from = "OCIS3Credentials file $tmp/closed/keys";
is_warning(qr{the user $user may not search a directory .* \Q$tmp/closed/keys\E,},
    'a file in a directory of another user');
$from = "OCIS3Credentials file $file";

# ---- files of certificates

my $ca = "$tmp/ca.pem";
my @with_ca = ($from, "OCIS3CAFile $ca", $index, @registry);
sub ca_is_refused {
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return is_refused('OCIS3CAFile', qr/OCIS3CAFile: $_[0]/, @with_ca);
}

write_keys();
ca_is_refused(qr/the file \Q$ca\E does not exist: create it, or name another/);
mkdir $ca;
ca_is_refused(qr/\Q$ca\E is not a regular file: expected a file of certif/);
rmdir $ca;
POSIX::mkfifo($ca, 0666);
ca_is_refused(qr/\Q$ca\E is not a regular file/);
unlink $ca;
SKIP: {
    my $certificates = OCI::Certificates->new
        or skip('openssl or curl is missing', 1);
    my $dir = $certificates->dir;
    my $pem = OCI::Server::slurp("$dir/ca.pem");
    my $two = "a comment\n$pem" . OCI::Server::slurp("$dir/other.pem");
    my $none = qr/the file \Q$ca\E has no certificate in PEM: expected a line "-/;
    system "openssl x509 -in $dir/ca.pem -outform DER -out $dir/ca.der";
    for my $text ('', "text\n", OCI::Server::slurp("$dir/ca.key"),
        OCI::Server::slurp("$dir/ca.der"), $pem =~ s/^-+BEGIN/x$&/r) {
        OCI::Server::spew($ca, $text);
        ca_is_refused($none);
    }
    for my $text (substr($pem, 0, 300), $two =~ s/(?<=\n)M/*/r,
        $two =~ s/.*\n(?=-+END)//r) {
        OCI::Server::spew($ca, $text);
        ca_is_refused(qr/the file \Q$ca\E cannot be read as PEM: \w.*; expected/);
    }
    OCI::Server::spew($ca, "\xef\xbb\xbf$pem" . $two);
    ca_is_refused(qr/the file \Q$ca\E cannot be read: it begins with a byte ord/);
    OCI::Server::spew($ca, $two);
    chmod 0644, $ca;
    is_right('a file of certificates', @with_ca);
    is_right('its path is relative to ServerRoot', $from, $index, @registry,
        "OCIS3CAFile ../ca.pem");
    chmod 0600, $ca;
    ca_is_refused(qr/the user $user cannot read \Q$ca\E, .*: run "chmod a\+r \Q$ca/);
    rename $ca, "$tmp/closed/ca.pem" or die "$tmp/closed: $!\n";
    chmod 0644, "$tmp/closed/ca.pem";
    is_refused('OCIS3CAFile',
        qr{OCIS3CAFile: the user $user may not search a directory on the way},
        map { s{\Q$ca}{$tmp/closed/ca.pem}r } @with_ca);
}

# ---- a reload

write_keys();
fresh();
$server = OCI::Server->start(with($from, $index, @registry));
unlink $file;
$server->expects(qr/:error\].*$problem \Q$file\E does not exist/);
$server->graceful;
status_is(OCI::Client->new($server)->get('/v2/'), 200,
    'a reload without the file does not end httpd');
$server->stop;

write_keys();
fresh();
$server = OCI::Server->start(with($from, $index, @registry));
$server->set(with($from, "OCIS3CAFile $tmp/none", 'OCIS3Memory 6M', $index,
    @registry));
my ($ca_line, $size_line) = map { line_of($_) } qw(OCIS3CAFile OCIS3Memory);
$server->expects(
    qr/:error\].*line $ca_line: OCIS3CAFile: the file \S+ does not exist/,
    qr/:error\].*line $size_line: OCIS3Memory: 6291456 bytes are too few/,
    qr/:error\].*OCIBlobStore: OCIS3Memory: 6291456 bytes.* get 503 until/);
$server->graceful;
error_is(OCI::Client->new($server)->get('/v2/a/tags/list'), 503, 'UNAVAILABLE',
    qr/storage or keys cannot be used/, 'a reload with wrong sizes');
$server->stop('httpd goes on');

done_testing;

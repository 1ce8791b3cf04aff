# SPDX-License-Identifier: Apache-2.0

# Browsers send a preflight without credentials, and it is answered: by
# conf/examples/cors.conf where a login is asked for, and with tokens.

use OCI::Test;
use OCI::Auth;

my @BASIC = qw(auth_basic authn_core authn_file authz_user headers);
my @PREFLIGHT = (Origin => 'https://ui.example.com',
    'Access-Control-Request-Method' => 'GET',
    'Access-Control-Request-Headers' => 'authorization');

sub check_preflights {
    my ($client, $name, @paths) = @_;
    for my $path ('/v2/', '/v2/_catalog', @paths) {
        my $res = $client->request(OPTIONS => $path, {@PREFLIGHT});
        status_is($res, 200, "$name: OPTIONS $path");
        header_is($res, 'Access-Control-Allow-Origin', 'https://ui.example.com')
            if $name eq 'Basic';
        $res = $client->get($path);
        status_is($res, 401, "$name: GET $path asks for a login");
        header_is($res, 'Access-Control-Allow-Origin', 'https://ui.example.com')
            if $name eq 'Basic';
    }
    return;
}

my $text = OCI::Server::slurp("$OCI::Server::TOP/conf/examples/cors.conf");
$text =~ s{/var/lib/mod_oci}{\@STORE\@} or die;
$text =~ s{/etc/mod_oci.passwd}{\@DIR\@/passwd} or die;
my $server = OCI::Server->start(location => '', after => $text,
    modules => \@BASIC);
OCI::Auth::passwords($server);
check_preflights(OCI::Client->new($server), 'Basic', '/v2/a/tags/list',
    '/v2/a/manifests/v1');
my $own = OCI::Client->new($server);
my $reader = OCI::Auth->new($server, 'reader')->{basic};
my $res = $own->get('/v2/_catalog', @PREFLIGHT[ 0, 1 ],
    Authorization => $reader);
status_is($res, 200, 'a page reads with a login');
like($res->header('Access-Control-Expose-Headers') // '', qr/\bLink\b/,
    'and sees where the next page is');
error_is($own->post('/v2/a/blobs/uploads/', '', Authorization => $reader,
    'Sec-Fetch-Site' => 'cross-site'), 403, 'DENIED', undef,
    'it cannot push');
$server->stop;

# Where the Require lines let everybody in, only the rule that /v2/ and the
# catalog ask for a token is left.
my %setup = OCI::Auth::setup('tokens');
$server = OCI::Server->start(%setup, config => 'Require all granted');
OCI::Auth::passwords($server);
check_preflights(OCI::Client->new($server), 'tokens');
$server->stop;
done_testing;

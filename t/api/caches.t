# Licensed under the Apache License, Version 2.0 (the "License"); you may
# not use this file except in compliance with the License.  You may obtain
# a copy of the License at http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

# Caches, filters and other modules between the registry and its clients:
# what they may keep, and that none touches what is served.

use OCI::Test;

# A DocumentRoot with what names may meet, seen by all modules that look at
# files.
my @modules = qw(mime negotiation dir alias autoindex filter deflate brotli
    cache cache_disk auth_basic authn_core authn_file authz_user env setenvif
    headers);
my $brotli = OCI::Server::load('brotli') ? 'BROTLI_COMPRESS' : 'DEFLATE';
my $extra = <<"END";
AddDefaultCharset utf-8
AddLanguage de .de
AddLanguage en .en
AddEncoding x-gzip .gz
AddCharset utf-16 .utf
AddType text/html .html .json
TypesConfig /dev/null
DirectoryIndex index.html
DefaultLanguage fr
LanguagePriority de
<Directory "\@DIR\@/htdocs">
    Options +MultiViews +Indexes
    AllowOverride All
    Require all granted
</Directory>
